"""A server's error in an answer's place: what is sent to the server instead, and what its answers are made into."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.protocols.contract.message import Message
from harness.relay.actions import Fail

# As Redis 8 words them.
REDIS_TEXTS: Final[Mapping[str, str]] = {
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


@dataclass(slots=True)
class Insert:
    """Bytes that take the place of the answer to `exchange`; `closes`: with them the connection ends."""

    exchange: int
    data: bytes
    closes: Message | None = None


@dataclass(slots=True)
class Repair:
    """What is to be done to the answers of one exchange in which the relay sent messages of its own.

    `parses` and `binds`: how many of the service's own are to be confirmed first. `added`: whether the
    relay added a Parse and a Bind, whose confirmations nobody may see. `error`: what the confirmation
    of the relay's ROLLBACK becomes.
    """

    exchange: int
    added: bool
    parses: int
    binds: int
    error: bytes | None
    over: bool = False

    def look(self, name: str) -> bytes | None:
        """Return what this answer becomes, b"" for nothing; None: it stays what it is."""
        if name in ("ErrorResponse", "ReadyForQuery"):
            self.over = True
        elif self.added and name == "ParseComplete":
            self.parses -= 1
            return b"" if self.parses < 0 else None
        elif self.added and name == "BindComplete":
            self.binds -= 1
            self.added = self.binds >= 0
            return None if self.added else b""
        elif name == "CommandComplete" and self.error is not None and not self.added:
            self.over = True
            return self.error
        return None


def redis_error(action: Fail) -> bytes:
    """Return the reply."""
    text = action.text or REDIS_TEXTS.get(action.code, "put here by the harness")
    return f"-{action.code} {text}\r\n".encode()


def error_response(action: Fail) -> bytes:
    """Return an ErrorResponse with the action's severity, code and text."""
    severity = "FATAL" if action.fatal else "ERROR"
    fields = (("S", severity), ("V", severity), ("C", action.code), ("M", _text(action)))
    return _message("E", b"".join(kind.encode() + value.encode() + b"\0" for kind, value in fields) + b"\0")


def query(sql: str) -> bytes:
    """Return a Query."""
    return _message("Q", sql.encode() + b"\0")


def parse_bind_execute(name: str, sql: str) -> bytes:
    """Return what runs one statement, under a name that no client has, without a Sync."""
    named = name.encode() + b"\0"
    parse = _message("P", named + sql.encode() + b"\0" + struct.pack(">H", 0))
    bind = _message("B", named + named + struct.pack(">HHH", 0, 0, 0))
    return parse + bind + _message("E", named + struct.pack(">I", 0))


def raising(action: Fail) -> str:
    """Return SQL that has the server raise the error."""
    tag = "relay"
    text = _text(action).replace("'", "''")
    while f"${tag}$" in text:
        tag += "_"
    body = f"BEGIN RAISE EXCEPTION USING ERRCODE = '{action.code}', MESSAGE = '{text}'; END"
    return f"DO ${tag}${body}${tag}$"


def _text(action: Fail) -> str:
    return action.text or f"error {action.code}, put here by the harness"


def _message(kind: str, body: bytes) -> bytes:
    return kind.encode() + struct.pack(">I", len(body) + 4) + body
