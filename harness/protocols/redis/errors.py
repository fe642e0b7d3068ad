"""The errors with which Redis can answer, and their texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from harness.errors import UsageError
from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.message import Message

__all__ = ["check_error", "error_of", "error_reply", "is_final", "of_one_request", "text_of"]

CODE: Final = re.compile(r"[A-Z][A-Z0-9]*")
# As Redis 8 words them.
TEXTS: Final[Mapping[str, str]] = {
    "LOADING": "Redis is loading the dataset in memory",
    "READONLY": "You can't write against a read only replica.",
    "OOM": "command not allowed when used memory > 'maxmemory'.",
    "BUSY": "Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "MASTERDOWN": "Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOAUTH": "Authentication required.",
    "MOVED": "0 127.0.0.1:1",
    "ASK": "0 127.0.0.1:1",
    "TRYAGAIN": "Multiple keys request during rehashing of slot",
    "CLUSTERDOWN": "The cluster is down",
    "NOSCRIPT": "No matching script. Please use EVAL.",
    "WRONGTYPE": "Operation against a key holding the wrong kind of value",
}

FINAL: Final = frozenset({"WRONGTYPE", "NOAUTH", "WRONGPASS", "NOPERM", "NOPROTO", "CROSSSLOT"})
# ERR is also what Redis says when it has too many clients.
FINAL_TEXTS: Final = ("unknown command", "unknown subcommand", "wrong number of arguments", "syntax error", "invalid ")


OF_ONE_REQUEST: Final = frozenset(
    {"ERR", "WRONGTYPE", "OOM", "MISCONF", "NOSCRIPT", "EXECABORT", "TRYAGAIN", "BUSYKEY", "NOREPLICAS"}
)
"""Errors of one command. The next command may succeed, and a new connection would be no better than the old one."""
TOO_MANY: Final = "max number of clients"
"""The beginning of an ERR that is about a connection."""


def error_of(message: Message) -> ServerError | None:
    """Return the error that a reply reports."""
    if message.name not in ("Error", "BulkError"):
        return None
    lines = bytes(message.frame.head).decode("utf-8", "replace").split("\r\n")
    line = lines[0][1:] if message.name == "Error" else "".join(lines[1:2])
    code, _, text = line.partition(" ")
    return ServerError(code, text)


def is_final(error: ServerError) -> bool:
    """Whether the same command would certainly fail again."""
    return error.code in FINAL or (error.code == "ERR" and error.text.startswith(FINAL_TEXTS))


def of_one_request(error: ServerError) -> bool:
    """Whether it is about one command, and not about a connection or the server's role."""
    return error.code in OF_ONE_REQUEST and not error.text.startswith(TOO_MANY)


def check_error(place: str, error: ServerError, message: str | None) -> None:
    """Refuse a text that is not the first word of a Redis error, and a fatal error. Raises UsageError."""
    del message  # every command is answered
    if not CODE.fullmatch(error.code):
        mend = "write the word that it begins with, in capitals, such as 'LOADING'"
        raise UsageError.at(place, "code", error.code, "not an error of Redis", mend=mend)
    if error.fatal:
        raise UsageError.at(place, "fatal", True, "Redis has no such errors", mend="leave it out, or cut")


def error_reply(error: ServerError) -> bytes:
    """Return the reply to a command that failed."""
    return f"-{error.code} {text_of(error)}\r\n".encode()


def text_of(error: ServerError) -> str:
    """Return the error's text: its own, or Redis's."""
    return error.text or TEXTS.get(error.code, "put here by the harness")
