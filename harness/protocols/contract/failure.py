"""A server's error that replaces an answer, and what the relay has to send for it.

The relay does not pass on the message that fails. Its protocol returns a `Failure`, which says what goes to the server
instead and how the answers change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

__all__ = ["Failure", "Instead", "Repair", "ServerError"]


@dataclass(frozen=True, slots=True)
class ServerError:
    """An error that a server could return.

    Its `code`, in the protocol's own form, and its `text`, "" for the usual one.

    `fatal`: the server ends the connection with it.
    """

    code: str
    text: str = ""
    fatal: bool = False


class Instead(NamedTuple):
    """A message that replaces another one: its name, and its bytes. Without bytes, nothing is forwarded."""

    name: str
    data: bytes


class Repair(Protocol):
    """Changes the answers to one exchange in which the relay has sent messages itself."""

    @property
    def exchange(self) -> int:
        """The exchange whose answers it changes."""
        ...

    @property
    def over(self) -> bool:
        """Whether all further answers stay unchanged."""
        ...

    def look(self, name: str) -> Instead | None:
        """Take the next answer, by its name; return what replaces it. None: it stays unchanged."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """What the relay does to answer a sent message with an error.

    `to_server`: these bytes go to the server instead of the message. b"": the server never receives the message, and
    the conversation is asked to `withdraw` it, unless the connection closes.
    `to_service`: these bytes replace the answer, after all answers to earlier exchanges. b"": the error comes from the
    server, or from `repair`.
    `text`: what that error says, in words.
    `closes`: the connection ends after `to_service`.
    `repair`: changes the other answers to the message's exchange.
    `skips_to`: messages of the service are dropped until one has such a name; that one passes. Empty: none is dropped.
    """

    to_server: bytes = b""
    to_service: bytes = b""
    text: str = ""
    closes: bool = False
    repair: Repair | None = None
    skips_to: frozenset[str] = frozenset()
