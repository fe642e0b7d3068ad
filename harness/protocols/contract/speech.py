"""What the relay asks of a protocol: how to read a connection, and how a server says no on it.

The implementation is `SPEECH` in `harness/protocols/NAME/speech.py`. The relay's process imports that module in a bare
interpreter: it may import the contract, the vocabulary's values and the standard library, nothing of the servers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from harness.protocols.contract.message import Conversation
from harness.protocols.registry import Facet

__all__ = ["FINGERPRINT_MAX", "SPEECH", "ServerError", "Speech", "conversation", "fingerprint"]

FINGERPRINT_MAX: Final = 80  # characters


@dataclass(frozen=True, slots=True)
class ServerError:
    """An error that a server could give: its `code`, in the protocol's own form, and its `text`, "" for the usual one.

    `fatal`: the server ends the connection with it.
    """

    code: str
    text: str = ""
    fatal: bool = False


class Speech(Protocol):
    """A protocol as it is spoken on a connection. One object for all connections: it keeps no state."""

    def conversation(self) -> Conversation:
        """Start to read a new connection, from its first byte."""
        ...

    def shape(self, text: str) -> str:
        """Return the text of a statement without its values: the same for every delivery.

        `fingerprint` cuts it to FINGERPRINT_MAX characters. Never raises, whatever the text.
        """
        ...

    def check_error(self, place: str, error: ServerError, message: str | None) -> None:
        """Refuse an error that no server of this protocol gives, or that cannot take this message's place.

        `place`: where the user wrote it. `message`: the name of the sent message whose answer the error replaces;
        None: a whole statement.

        Raises:
            UsageError: with the place, the key (`code`, `fatal`, `message`), the value and what to write.
        """
        ...


SPEECH: Final[Facet[Speech]] = Facet("speech", "SPEECH")


def conversation(protocol: str) -> Conversation:
    """Start to read a new connection. Raises UsageError for a protocol that is not registered."""
    return SPEECH.of(protocol).conversation()


def fingerprint(protocol: str, text: str) -> str:
    """Return the shape of a message's text, at most 80 characters. Raises UsageError for an unknown protocol.

    SQL: white space collapsed, comments left out, literals and parameters as ?, a list of values as its
    first. A Redis command: its name, the words of its key (what is no plain word is ?), its options;
    an integer argument is n, other arguments are "value": "SET webhook:seen:? value EX n".
    """
    return SPEECH.of(protocol).shape(text)[:FINGERPRINT_MAX].rstrip()
