"""How the relay reads PostgreSQL."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.message import Conversation
from harness.protocols.contract.speech import AskedTls, Grammar, Speech
from harness.protocols.postgres.conversation import PostgresConversation
from harness.protocols.postgres.errors import check_error
from harness.protocols.postgres.failing import error_response
from harness.protocols.postgres.fingerprint import shape_of

__all__ = ["SPEECH"]

INVALID_AUTHORIZATION: Final = "28000"


def _refusal(problem: str) -> bytes:
    return error_response(ServerError(INVALID_AUTHORIZATION, problem, fatal=True))


class PostgresSpeech:
    """See `Speech`."""

    grammar: Final = Grammar(
        continues=frozenset({"Parse", "Bind", "Describe", "Execute", "Close", "Flush"}),
        completes=frozenset({"Sync"}),
        concludes=frozenset({"CommandComplete", "EmptyQueryResponse", "PortalSuspended", "ErrorResponse"}),
        goodbyes=frozenset({"Terminate"}),
    )
    tls: Final[AskedTls | None] = AskedTls(
        answer="SSLAnswer",
        yes=b"S",
        no=b"N",
        opens="StartupMessage",
        refusal=_refusal,
        unasked="the service began in TLS without asking for it (sslnegotiation=direct), which the relay cannot do",
    )

    def conversation(self) -> Conversation:
        """Make the reader of a new connection."""
        return PostgresConversation()

    def shape(self, text: str) -> str:
        """Return the SQL without its values."""
        return shape_of(text)

    def check_error(self, place: str, error: ServerError, message: str | None) -> None:
        """Refuse what is not an error's SQLSTATE, and a message that an error cannot answer."""
        check_error(place, error, message)


SPEECH: Final[Speech] = PostgresSpeech()
