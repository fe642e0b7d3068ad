"""How the relay reads PostgreSQL."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.speech import AskedTls, Grammar, Speech
from harness.protocols.postgres.errors import check_error, error_of, is_final
from harness.protocols.postgres.wire.conversation import PostgresConversation
from harness.protocols.postgres.wire.failing import error_response
from harness.protocols.postgres.wire.fingerprint import shape_of

__all__ = ["SPEECH"]

INVALID_AUTHORIZATION: Final = "28000"


def _refusal(problem: str) -> bytes:
    return error_response(ServerError(INVALID_AUTHORIZATION, problem, fatal=True))


SPEECH: Final = Speech(
    conversation=PostgresConversation,
    shape=shape_of,
    check_error=check_error,
    grammar=Grammar(
        continues=frozenset({"Parse", "Bind", "Describe", "Execute", "Close", "Flush"}),
        completes=frozenset({"Sync"}),
        concludes=frozenset({"CommandComplete", "EmptyQueryResponse", "PortalSuspended", "ErrorResponse"}),
        goodbyes=frozenset({"Terminate"}),
    ),
    error_of=error_of,
    is_final=is_final,
    tls=AskedTls(
        answer="SSLAnswer",
        yes=b"S",
        no=b"N",
        opens="StartupMessage",
        refusal=_refusal,
        unasked="the service began in TLS without asking for it (sslnegotiation=direct), which the relay cannot do",
    ),
)
