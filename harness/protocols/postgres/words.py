"""What a scenario says of a link to PostgreSQL, and what its messages are called.

The names are from "Message Formats" in its manual (protocol version 3), but for two: the one unframed byte that answers
a request for encryption, `SSLAnswer` or `GSSENCAnswer`, has no name there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from harness.vocabulary.links import Link, OfALink
from harness.vocabulary.messages import Direction, Phase
from harness.vocabulary.moments import REACHED_AT_ONCE, Moment
from harness.vocabulary.refusals import at_least_one

__all__ = ["LINK", "Postgres", "Waiting", "postgres"]

COPIED: Final = ("CopyData", "CopyDone")
NAMES: Final[Mapping[Direction, tuple[str, ...]]] = {
    "sent": (
        "StartupMessage", "SSLRequest", "GSSENCRequest", "CancelRequest",
        "PasswordMessage", "SASLInitialResponse", "SASLResponse", "GSSResponse",
        "Query", "Parse", "Bind", "Describe", "Execute", "Close", "Flush", "Sync", "FunctionCall",
        *COPIED, "CopyFail", "Terminate",
    ),
    "answered": (
        "ReadyForQuery", "SSLAnswer", "GSSENCAnswer", "NegotiateProtocolVersion",
        "AuthenticationOk", "AuthenticationKerberosV5", "AuthenticationCleartextPassword",
        "AuthenticationMD5Password", "AuthenticationGSS", "AuthenticationGSSContinue", "AuthenticationSSPI",
        "AuthenticationSASL", "AuthenticationSASLContinue", "AuthenticationSASLFinal",
        "BackendKeyData", "ParameterStatus",
        "RowDescription", "DataRow", "CommandComplete", "EmptyQueryResponse", "ErrorResponse", "NoticeResponse",
        "NotificationResponse", "ParseComplete", "BindComplete", "CloseComplete", "ParameterDescription", "NoData",
        "PortalSuspended", "FunctionCallResponse", "CopyInResponse", "CopyOutResponse", "CopyBothResponse", *COPIED,
    ),
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Postgres(Link, kind="Postgres"):
    """A link to a PostgreSQL server."""

    protocol: ClassVar[str] = "postgres"
    names: ClassVar[Mapping[Direction, tuple[str, ...]]] = NAMES
    phases: ClassVar[tuple[Phase, ...]] = ("startup", "authentication", "query", "commit", "idle")
    wordless_phases: ClassVar[tuple[Phase, ...]] = ("startup", "authentication")

    def waiting(self, text: str = "", at_least: int = 1) -> Moment:
        """`pg_stat_activity` shows that many statements beginning with `text` waiting for a lock."""
        return Waiting(self, text, at_least)


@dataclass(frozen=True, repr=False)
class Waiting(OfALink, kind="postgres.waiting"):
    """See `Postgres.waiting`."""

    link: Postgres
    text: str
    at_least: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(self.kind, "at_least", self.at_least, REACHED_AT_ONCE)

    def words(self) -> str:
        """`2 sessions of the service wait in PostgreSQL, in its COMMIT`."""
        count = self.at_least
        sessions = "a session of the service waits" if count == 1 else f"{count} sessions of the service wait"
        return f"{sessions} in PostgreSQL{f', in its {self.text}' if self.text else ''}"


LINK: Final = Postgres
postgres: Final = Postgres("postgres")
