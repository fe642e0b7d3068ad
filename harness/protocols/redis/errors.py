"""Which errors Redis can answer with."""

from __future__ import annotations

import re
from typing import Final

from harness.errors import UsageError
from harness.protocols.contract.speech import ServerError

__all__ = ["check_error"]

CODE: Final = re.compile(r"[A-Z][A-Z0-9]*")


def check_error(place: str, error: ServerError, message: str | None) -> None:
    """Refuse what is not the first word of a Redis error, and a fatal one. Raises UsageError."""
    del message  # every command is answered
    if not CODE.fullmatch(error.code):
        mend = "write the word that it begins with, in capitals, such as 'LOADING'"
        raise UsageError.at(place, "code", error.code, "not an error of Redis", mend=mend)
    if error.fatal:
        raise UsageError.at(place, "fatal", True, "Redis has no such errors", mend="leave it out, or cut")
