"""How the relay reads PostgreSQL."""

from __future__ import annotations

import struct
from typing import Final

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.message import Message
from harness.protocols.contract.speech import AskedTls, Grammar, Speech
from harness.protocols.postgres.errors import check_error, error_of, is_final, of_one_request
from harness.protocols.postgres.wire.conversation import PostgresConversation
from harness.protocols.postgres.wire.failing import error_response
from harness.protocols.postgres.wire.fingerprint import shape_of
from harness.protocols.postgres.wire.framing import REQUESTS, STARTUP_MAX

__all__ = ["SPEECH"]

INVALID_AUTHORIZATION: Final = "28000"
PROTOCOL: Final = 3
STATUS: Final = 5  # where ReadyForQuery says whether a transaction is open, after type and length
STARTUP_HEADER: Final = struct.Struct(">II")


def _refusal(problem: str) -> bytes:
    return error_response(ServerError(INVALID_AUTHORIZATION, problem, fatal=True))


def _recognises(first: bytes) -> bool:
    """A startup message, or a request in its form: its length, then the version or the request's number."""
    if len(first) < STARTUP_HEADER.size:
        return False
    length, code = STARTUP_HEADER.unpack_from(first)
    return 8 <= length <= STARTUP_MAX and (code >> 16 == PROTOCOL or code in REQUESTS)


def _holds_after(message: Message) -> bool:
    """Whether a transaction is open, even a failed one."""
    return message.name == "ReadyForQuery" and message.frame.head[STATUS : STATUS + 1] != b"I"


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
    of_one_request=of_one_request,
    holds_after=_holds_after,
    recognises=_recognises,
    tls=AskedTls(
        answer="SSLAnswer",
        yes=b"S",
        no=b"N",
        opens="StartupMessage",
        refusal=_refusal,
        application="postgresql",
        unasked="the service began in TLS without asking for it (sslnegotiation=direct), and this link has no TLS",
    ),
)
