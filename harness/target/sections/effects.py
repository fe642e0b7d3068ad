"""What else must exist when a delivery is stored, and whether exactly then."""

from __future__ import annotations

from typing import Literal

from harness.target.sections.stored import NamedRows
from harness.target.sections.times import Milliseconds


class EffectDescription(NamedRows):
    """Something that must exist for each delivery that is stored, such as a row in an outbox, or an entry of an index.

    It is read with the stored rows, at rest.
    """

    sql: str
    """Lists the rows, with a column `id`."""
    exists: Literal["exactly", "at least"] = "exactly"
    """`exactly`: once for each delivery that is stored, and for no other. `at least`: perhaps more often, and perhaps
    for others."""
    within_ms: Milliseconds | None = None
    """How long after its delivery was stored it may still not exist: a worker that makes it later needs that. Without
    it, `within_ms` of `[stored]`."""

    @property
    def query(self) -> str:
        """The SQL that lists rows by the names that histories use, each with an empty digest."""
        return self.named(self.sql, "'' AS digest")
