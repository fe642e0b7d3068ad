"""What else must exist when a delivery is stored, and whether exactly then."""

from __future__ import annotations

from typing import Literal

from harness.target.sections.stored import NamedRows


class EffectDescription(NamedRows):
    """Something that must exist for each delivery that is stored, such as a row in an outbox, or an entry of an index.

    It is read with the stored rows, at rest.
    """

    sql: str
    """Lists the rows, with a column `id`."""
    exists: Literal["exactly", "at least"] = "exactly"
    """`exactly`: once for each delivery that is stored, and for no other. `at least`: perhaps more often, and perhaps
    for others."""

    @property
    def query(self) -> str:
        """The SQL that lists rows by the names that histories use, each with an empty digest."""
        return self.named(self.sql, "'' AS digest")
