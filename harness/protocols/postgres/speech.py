"""PostgreSQL as it is spoken on a connection."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.message import Conversation
from harness.protocols.contract.speech import ServerError, Speech
from harness.protocols.postgres.conversation import PostgresConversation
from harness.protocols.postgres.errors import check_error
from harness.protocols.postgres.fingerprint import shape_of

__all__ = ["SPEECH"]


class PostgresSpeech:
    """See `Speech`."""

    def conversation(self) -> Conversation:
        """Start to read a new connection."""
        return PostgresConversation()

    def shape(self, text: str) -> str:
        """Return the SQL without its values."""
        return shape_of(text)

    def check_error(self, place: str, error: ServerError, message: str | None) -> None:
        """Refuse what is no SQLSTATE, and a message that is answered with no error."""
        check_error(place, error, message)


SPEECH: Final[Speech] = PostgresSpeech()
