"""Which errors PostgreSQL can be made to answer with."""

from __future__ import annotations

import re
from typing import Final

from harness.errors import UsageError
from harness.protocols.contract.failure import ServerError

__all__ = ["REPLACEABLE", "check_error"]

SQLSTATE: Final = re.compile(r"(?!00)[0-9A-Z]{5}")
REPLACEABLE: Final = frozenset({"Query", "FunctionCall", "Parse", "Bind", "Describe", "Execute", "Close"})


def check_error(place: str, error: ServerError, message: str | None) -> None:
    """Refuse what is not an error's SQLSTATE, and a message that an error cannot answer. Raises UsageError."""
    if not SQLSTATE.fullmatch(error.code):
        mend = "write five of 0-9 and A-Z, such as '40001' (PostgreSQL's appendix A)"
        raise UsageError.at(place, "code", error.code, "not an SQLSTATE of an error", mend=mend)
    if message is not None and message not in REPLACEABLE and not error.fatal:
        problem = "the server cannot be made to answer such a message with an error"
        raise UsageError.at(place, "message", message, problem, valid=REPLACEABLE, mend="write fatal=True")
