"""How the relay reads HTTP/1.x."""

from __future__ import annotations

from typing import ClassVar, Final

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.message import Conversation
from harness.protocols.contract.speech import AskedTls, Grammar, Speech
from harness.protocols.http.conversation import HttpConversation
from harness.protocols.http.errors import check_error
from harness.protocols.http.fingerprint import shape_of
from harness.protocols.http.framing import TUNNEL
from harness.protocols.http.length import WrongLength
from harness.relay.actions import Action

__all__ = ["SPEECH"]


class HttpSpeech:
    """See `Speech`. `actions`: what the relay can do only to messages of HTTP."""

    actions: ClassVar[tuple[type[Action], ...]] = (WrongLength,)
    grammar: Final = Grammar(endless=frozenset({TUNNEL}))
    tls: Final[AskedTls | None] = None

    def conversation(self) -> Conversation:
        """Make the reader of a new connection."""
        return HttpConversation()

    def shape(self, text: str) -> str:
        """Return method and path without the values in the path and the query."""
        return shape_of(text)

    def check_error(self, place: str, error: ServerError, message: str | None) -> None:
        """Refuse what is not the status of a final response."""
        check_error(place, error, message)


SPEECH: Final[Speech] = HttpSpeech()
