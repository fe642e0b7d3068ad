"""How the relay reads plain TCP: it only counts bytes."""

from __future__ import annotations

from typing import Final

from harness.errors import UsageError
from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.message import Conversation
from harness.protocols.contract.speech import AskedTls, Grammar, Speech
from harness.protocols.tcp.conversation import StreamConversation
from harness.protocols.tcp.framing import STREAM

__all__ = ["SPEECH"]


class StreamSpeech:
    """See `Speech`."""

    grammar: Final = Grammar(endless=frozenset({STREAM}))
    tls: Final[AskedTls | None] = None

    def conversation(self) -> Conversation:
        """Make the reader of a new connection."""
        return StreamConversation()

    def shape(self, text: str) -> str:
        """Return the text, which is always ""."""
        return text

    def check_error(self, place: str, error: ServerError, message: str | None) -> None:
        """Refuse every error."""
        del message
        problem = "plain TCP has no messages, so nothing on it can be answered with an error"
        raise UsageError.at(place, "code", error.code, problem, mend="cut or reset the connection")


SPEECH: Final[Speech] = StreamSpeech()
