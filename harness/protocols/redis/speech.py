"""How the relay reads Redis."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.message import Conversation
from harness.protocols.contract.speech import AskedTls, Grammar, Speech
from harness.protocols.redis.conversation import RespConversation
from harness.protocols.redis.errors import check_error
from harness.protocols.redis.fingerprint import shape_of

__all__ = ["SPEECH"]


class RespSpeech:
    """See `Speech`."""

    grammar: Final = Grammar()
    tls: Final[AskedTls | None] = None

    def conversation(self) -> Conversation:
        """Make the reader of a new connection."""
        return RespConversation()

    def shape(self, text: str) -> str:
        """Return the command without its values."""
        return shape_of(text)

    def check_error(self, place: str, error: ServerError, message: str | None) -> None:
        """Refuse what is not the first word of a Redis error, and a fatal one."""
        check_error(place, error, message)


SPEECH: Final[Speech] = RespSpeech()
