"""A server's error that takes the place of an answer: which one, and what the relay has to send for it.

The relay does not pass on the message that fails. Its protocol says, as a `Failure`, what goes to the server instead
and what becomes of the answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

__all__ = ["Failure", "Instead", "Repair", "ServerError"]


@dataclass(frozen=True, slots=True)
class ServerError:
    """An error that a server could give: its `code`, in the protocol's own form, and its `text`, "" for the usual one.

    `fatal`: the server ends the connection with it.
    """

    code: str
    text: str = ""
    fatal: bool = False


class Instead(NamedTuple):
    """A message in another one's place: its name, and its bytes. Without bytes nothing is passed on."""

    name: str
    data: bytes


class Repair(Protocol):
    """What becomes of the answers to one exchange in which the relay has sent messages of its own."""

    @property
    def exchange(self) -> int:
        """The exchange whose answers it is about."""
        ...

    @property
    def over(self) -> bool:
        """Whether all that comes from now on stays as it is."""
        ...

    def look(self, name: str) -> Instead | None:
        """Take the next answer, by its name; return what stands in its place, None: it stays as it is."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """What the relay does so that an error answers a sent message.

    `to_server`: these bytes go to the server in the message's place. b"": the server never hears of the message, and
    the conversation is asked to `withdraw` it, unless the connection closes.
    `to_service`: these bytes are put in the place of the answer, behind all answers to earlier exchanges. b"": the
    error comes from the server, or from `repair`.
    `closes`: the connection ends behind `to_service`.
    `repair`: what becomes of the answers to the message's exchange.
    `skips_to`: messages of the service are dropped until one has such a name; that one passes. Empty: none is dropped.
    """

    to_server: bytes = b""
    to_service: bytes = b""
    closes: bool = False
    repair: Repair | None = None
    skips_to: frozenset[str] = frozenset()
