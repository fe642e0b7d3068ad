"""What the relay needs from a protocol: how to read a connection, and how its server refuses a request.

The implementation is `SPEECH` in `harness/protocols/NAME/speech.py`. The relay's process imports that module in a bare
interpreter: it may import the contract, the vocabulary's values and the standard library, but nothing of the servers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.message import Conversation, Message
from harness.protocols.registry import Facet

__all__ = ["FINGERPRINT_MAX", "SPEECH", "AskedTls", "Grammar", "Speech", "conversation", "fingerprint", "recognised"]

FINGERPRINT_MAX: Final = 80  # characters


@dataclass(frozen=True, slots=True)
class Grammar:
    """The meaning of some messages, by their names, for their exchange. By default each sent message is one exchange.

    `continues`: sent messages that begin or continue an exchange that the service completes later.
    `completes`: sent messages that complete such an exchange.
    `concludes`: answers after which the server sends no more until the exchange is completed.
    `goodbyes`: sent messages with which the service announces that it will close the connection.
    `endless`: messages of either direction that end only with the connection, so that a rule cannot wait for their end.
    """

    continues: frozenset[str] = frozenset()
    completes: frozenset[str] = frozenset()
    concludes: frozenset[str] = frozenset()
    goodbyes: frozenset[str] = frozenset()
    endless: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AskedTls:
    """TLS that a client asks for within the protocol, or that it begins with, without asking.

    `answer`: the name of the server's answer, which is the bytes `yes` or `no`. `opens`: the message that begins the
    client's session; after it the client cannot ask for TLS. `refusal`: makes the message in which the server says why
    it ends the connection. `application`: the protocol that a client must name if it begins with TLS (ALPN, RFC 7301).
    `unasked`: the sentence about a client that began with TLS on a link without TLS.
    """

    answer: str
    yes: bytes
    no: bytes
    opens: str
    refusal: Callable[[str], bytes]
    application: str
    unasked: str


def _no_error(message: Message) -> ServerError | None:
    del message
    return None


def _never_final(error: ServerError) -> bool:
    del error
    return False


def _never(first: bytes) -> bool:
    del first
    return False


def _nothing_open(message: Message) -> bool:
    del message
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """How a protocol is spoken on a connection. One object for all connections: it has no state.

    `conversation`: makes the reader of a new connection. `shape`: returns the text of a statement without its values:
    the same for every delivery. `fingerprint` cuts it to FINGERPRINT_MAX characters. It never raises, for any text.
    `check_error(place, error, message)`: refuses an error that no server of this protocol returns, or that cannot
    replace this message. `place`: where the user wrote it. `message`: the name of the sent message whose answer the
    error replaces; None: a whole statement. It raises UsageError with the place, the key (`code`, `fatal`, `message`),
    the value and what to write. `grammar`: what some messages mean for their exchange. `tls`: how a client asks for
    TLS; None: a connection is in TLS from the beginning, or never. `actions`: what the relay can do only to messages of
    this protocol. `error_of`: returns the error that a message of an answer reports; None: it reports none. It never
    raises. `is_final`: whether the same statement would certainly get this error again, so that a retry is useless. An
    error that may go away, or that a client can repair by doing something else first, is not final. `of_one_request`:
    whether an error is only about its own request, so that the connection can still be used, and the error says nothing
    about others. `holds_after`: whether the connection still holds something for its client, such as a transaction,
    after this last message of an answer. It never raises. `recognises`: whether the first bytes that a client sends on
    a connection are this protocol's; there may be none, if the server speaks first. It never raises. If several
    protocols recognise them, the first registered one gets the connection; the last one accepts anything. `greets`: the
    same for the first bytes of a server that speaks first.
    """

    conversation: Callable[[], Conversation]
    shape: Callable[[str], str]
    check_error: Callable[[str, ServerError, str | None], None]
    grammar: Grammar = Grammar()
    tls: AskedTls | None = None
    actions: tuple[type[object], ...] = ()
    error_of: Callable[[Message], ServerError | None] = _no_error
    is_final: Callable[[ServerError], bool] = _never_final
    of_one_request: Callable[[ServerError], bool] = _never_final
    holds_after: Callable[[Message], bool] = _nothing_open
    recognises: Callable[[bytes], bool] = _never
    greets: Callable[[bytes], bool] = _never


SPEECH: Final[Facet[Speech]] = Facet("speech", "SPEECH")


def recognised(first: bytes, greeting: bytes = b"") -> str:
    """Return the protocol of a connection that begins with these bytes of its client, or with a server's greeting."""
    every = SPEECH.all().items()
    return next(name for name, speech in every if speech.recognises(first) or speech.greets(greeting))


def conversation(protocol: str) -> Conversation:
    """Make the reader of a new connection. Raises UsageError for a protocol that is not registered."""
    return SPEECH.of(protocol).conversation()


def fingerprint(protocol: str, text: str) -> str:
    """Return the shape of a message's text, at most 80 characters. Raises UsageError for an unknown protocol.

    An SQL statement has ? for its values, a Redis command "value" or n: "SET webhook:seen:? value EX n".
    """
    return SPEECH.of(protocol).shape(text)[:FINGERPRINT_MAX].rstrip()
