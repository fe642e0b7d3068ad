"""PostgreSQL, for the search."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.search import Exclusion, Searched, Spot, Transactions, common_beginning
from harness.protocols.postgres.wire.sql import up_to_a_value

__all__ = ["SEARCHED"]

EXTENDED: Final = ("Parse", "Bind", "Describe", "Execute", "Flush", "Sync", "Close")
"""Messages that together make one statement."""
SERIALIZATION: Final = ServerError("40001", "could not serialize access due to concurrent update")
SHUTDOWN: Final = ServerError("57P01", "terminating connection due to administrator command", fatal=True)


CHANGES: Final = re.compile(r"\b(?:insert|update|delete|merge|copy|call)\b", re.IGNORECASE)


def _writes(text: str) -> bool:
    """Whether the statement has such a word, at any place, because a WITH may contain one."""
    return CHANGES.search(text) is not None


def _without_values(texts: Sequence[str]) -> str:
    """Return the common beginning, without a value at its end. Drivers such as psycopg2 write values into the text."""
    found = common_beginning(texts)
    first = texts[0].lstrip()
    is_whole = all(text.lstrip() == first for text in texts)
    return found if is_whole else up_to_a_value(first, len(found))


def _is_part(spot: Spot) -> bool:
    return spot.direction == "answered" or spot.message in EXTENDED


SEARCHED: Final = Searched(
    errors=(
        SERIALIZATION,
        ServerError("57014", "canceling statement due to statement timeout"),
        ServerError("25006", "cannot execute INSERT in a read-only transaction"),
        ServerError("53100", "could not extend file: No space left on device"),
        ServerError("26000", "prepared statement does not exist"),
        SHUTDOWN,
    ),
    repeatable=(SERIALIZATION, SHUTDOWN),
    beginning=_without_values,
    opens="StartupMessage",
    refusals=(
        ServerError("53300", "sorry, too many clients already", fatal=True),
        ServerError("57P03", "the database system is starting up", fatal=True),
    ),
    exclusions=(
        Exclusion(
            ("late",),
            "answers of PostgreSQL",
            "its clients send nothing before ReadyForQuery, so the answer waits for ever: stall has that",
            lambda _: True,
        ),
        Exclusion(
            ("stall", "hang_up", "drop", "delay", "late", "duplicate", "corrupt", "reset_before", "reset_after"),
            "ParameterStatus after the first",
            "the server sends a run of them at once, and the first stands for all",
            lambda each: each.place.message == "ParameterStatus" and each.place.occurrence > 1,
        ),
    ),
    # A SELECT takes its snapshot when it is bound.
    transactions=Transactions(
        looks=("Query", "Bind"), opening=("begin", "start"), closing=("commit", "rollback", "end", "abort")
    ),
    is_part=_is_part,
    writes=_writes,
)
