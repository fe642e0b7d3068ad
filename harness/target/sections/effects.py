"""What else must exist when a delivery is stored, and whether only then."""

from __future__ import annotations

from typing import Literal

from harness.target.sections.stored import NamedRows
from harness.target.sections.times import Milliseconds


class EffectDescription(NamedRows):
    """Something that must exist for each stored delivery, such as a row in an outbox, or an entry of an index.

    It is read with the stored rows, at rest.
    """

    sql: str
    """Lists the rows, with a column `id`."""
    exists: Literal["exactly", "at least"] = "exactly"
    """`exactly`: once for each stored delivery, and for no other. `at least`: it may also exist more often, and for
    other deliveries."""
    within_ms: Milliseconds | None = None
    """How long after its delivery was stored the effect may still be missing, because a worker makes it later. The
    default is `within_ms` of `[stored]`."""

    @property
    def query(self) -> str:
        """The SQL that lists rows by the names that histories use, each with an empty digest."""
        return self.named(self.sql, "'' AS digest")
