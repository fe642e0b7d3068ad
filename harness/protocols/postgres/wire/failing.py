"""An error of PostgreSQL as the answer. The server raises it itself, so that its session is in the right state."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass
from typing import Final

from harness.protocols.contract.failure import Failure, Instead, ServerError
from harness.protocols.contract.message import Message

__all__ = ["SIMPLE", "Failing", "error_response", "parse_bind_execute", "raising"]

SIMPLE: Final = frozenset({"Query", "FunctionCall"})
END_OF_SKIPPING: Final = frozenset({"Sync", "Terminate"})
NOTHING: Final = Instead("", b"")


class Failing:
    """Makes the failures of one connection. It counts the service's Parse and Bind: their confirmations come first."""

    __slots__ = ("_binds", "_exchange", "_names", "_parses")

    def __init__(self) -> None:
        self._exchange = self._parses = self._binds = 0
        self._names = itertools.count(1)

    def count(self, message: Message) -> None:
        """Count a Parse or a Bind in its exchange. Each exchange begins at zero."""
        if message.exchange != self._exchange:
            self._exchange, self._parses, self._binds = message.exchange, 0, 0
        if message.name == "Parse":
            self._parses += 1
        else:
            self._binds += 1

    def failure(self, message: Message, error: ServerError) -> Failure:
        """See `Conversation.fail`. In place of a COMMIT a ROLLBACK is sent, whose confirmation becomes the error."""
        if error.fatal:
            return Failure(to_service=error_response(error), text=_text(error), closes=True)
        rolls_back = message.phase == "commit" and message.runs
        sql = "ROLLBACK" if rolls_back else raising(error)
        becomes = error_response(error) if rolls_back else None
        if message.name in SIMPLE:
            repair = None if becomes is None else Confirmations(message.exchange, becomes)
            return Failure(query(sql), repair=repair)
        repair = Confirmations(message.exchange, becomes, *self._due_before(message), added=True)
        skips_to = END_OF_SKIPPING if rolls_back else frozenset[str]()
        return Failure(parse_bind_execute(f"relay {next(self._names)}", sql), repair=repair, skips_to=skips_to)

    def _due_before(self, message: Message) -> tuple[int, int]:
        """Return how many Parse and Bind the service has sent in the message's exchange before it."""
        if self._exchange != message.exchange:
            return 0, 0
        return self._parses - (message.name == "Parse"), self._binds - (message.name == "Bind")


@dataclass(slots=True)
class Confirmations:
    """The repair of an exchange in which the relay ran a statement.

    `error`: replaces the confirmation of the relay's ROLLBACK. `added`: whether the relay added a Parse and a Bind,
    whose confirmations are not for the service; `parses` and `binds`, the numbers of the service's own, are confirmed
    before those.
    """

    exchange: int
    error: bytes | None
    parses: int = 0
    binds: int = 0
    added: bool = False
    over: bool = False

    def look(self, name: str) -> Instead | None:
        """See `Repair`."""
        if name in ("ErrorResponse", "ReadyForQuery"):
            self.over = True
        elif self.added and name == "ParseComplete":
            self.parses -= 1
            return NOTHING if self.parses < 0 else None
        elif self.added and name == "BindComplete":
            self.binds -= 1
            self.added = self.binds >= 0
            return None if self.added else NOTHING
        elif name == "CommandComplete" and self.error is not None and not self.added:
            self.over = True
            return Instead("ErrorResponse", self.error)
        return None


def error_response(error: ServerError) -> bytes:
    """Return an ErrorResponse with the error's severity, code and text."""
    severity = "FATAL" if error.fatal else "ERROR"
    fields = (("S", severity), ("V", severity), ("C", error.code), ("M", _text(error)))
    return _message("E", b"".join(kind.encode() + value.encode() + b"\0" for kind, value in fields) + b"\0")


def query(sql: str) -> bytes:
    """Return the bytes of a Query message."""
    return _message("Q", sql.encode() + b"\0")


def parse_bind_execute(name: str, sql: str) -> bytes:
    """Return the messages that run one statement, under a name that no client uses, without a Sync."""
    named = name.encode() + b"\0"
    parse = _message("P", named + sql.encode() + b"\0" + struct.pack(">H", 0))
    bind = _message("B", named + named + struct.pack(">HHH", 0, 0, 0))
    return parse + bind + _message("E", named + struct.pack(">I", 0))


def raising(error: ServerError) -> str:
    """Return SQL that makes the server raise the error."""
    tag = "relay"
    text = _text(error).replace("'", "''")
    while f"${tag}$" in text:
        tag += "_"
    body = f"BEGIN RAISE EXCEPTION USING ERRCODE = '{error.code}', MESSAGE = '{text}'; END"
    return f"DO ${tag}${body}${tag}$"


def _text(error: ServerError) -> str:
    return error.text or f"error {error.code}, put here by the harness"


def _message(kind: str, body: bytes) -> bytes:
    return kind.encode() + struct.pack(">I", len(body) + 4) + body
