"""What the relay asks of a protocol: how to read a connection, and how a server says no on it.

The implementation is `SPEECH` in `harness/protocols/NAME/speech.py`. The relay's process imports that module in a bare
interpreter: it may import the contract, the vocabulary's values and the standard library, nothing of the servers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.message import Conversation
from harness.protocols.registry import Facet

__all__ = ["FINGERPRINT_MAX", "SPEECH", "AskedTls", "Grammar", "Speech", "conversation", "fingerprint"]

FINGERPRINT_MAX: Final = 80  # characters


@dataclass(frozen=True, slots=True)
class Grammar:
    """What some messages do to their exchange, by their names. Without any, each sent message is a whole exchange.

    `continues`: sent messages that begin or continue an exchange which the service has still to complete.
    `completes`: sent messages that complete such an exchange.
    `concludes`: answers that end what the server has to say before an exchange is completed.
    `goodbyes`: sent messages after which the service, not the server, is the one that ends the connection.
    `endless`: messages of either direction that go on until the connection ends: nobody can wait for their last byte.
    """

    continues: frozenset[str] = frozenset()
    completes: frozenset[str] = frozenset()
    concludes: frozenset[str] = frozenset()
    goodbyes: frozenset[str] = frozenset()
    endless: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AskedTls:
    """TLS that a client asks for within the protocol, and that the server accepts or not before either begins it.

    `answer`: the name of the server's answer, which is the bytes `yes` or `no`.
    `opens`: the message that begins the client's session: it asks for no TLS after that.
    `refusal`: makes the message with which the server says why it ends the connection.
    `unasked`: the sentence that tells of a client which began TLS without asking.
    """

    answer: str
    yes: bytes
    no: bytes
    opens: str
    refusal: Callable[[str], bytes]
    unasked: str


class Speech(Protocol):
    """A protocol as it is spoken on a connection. One object for all connections: it keeps no state."""

    @property
    def grammar(self) -> Grammar:
        """What some messages do to their exchange."""
        ...

    @property
    def tls(self) -> AskedTls | None:
        """How a client asks for TLS; None: a connection begins in TLS, or never is in it."""
        ...

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

    An SQL statement has ? for its values, a Redis command "value" or n: "SET webhook:seen:? value EX n".
    """
    return SPEECH.of(protocol).shape(text)[:FINGERPRINT_MAX].rstrip()
