"""The name of a table that a fault strikes."""

from __future__ import annotations

import re

from harness.errors import UsageError

__all__ = ["plain_table"]


def plain_table(place: str, table: str) -> None:
    """Raise UsageError unless it is a plain name: letters, digits and underscores."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", table):
        raise UsageError.at(place, "table", table, "not a table's name", mend="write the plain name")
