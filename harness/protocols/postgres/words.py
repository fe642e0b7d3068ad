"""Links to PostgreSQL, and the names of its messages.

The names are from "Message Formats" in PostgreSQL's manual (protocol version 3), except for `SSLAnswer` and
`GSSENCAnswer`: the single unframed byte that answers a request for encryption has no name there.
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
    """A link to a PostgreSQL server.

    For example::

        ledger = Postgres("ledger")
        async with lab.inject(wire.cut(ledger.answered("COMMIT"))):
            await lab.deliver()

    A message's text is its SQL statement. `message` takes the names of "Message Formats" in PostgreSQL's manual.

    Args:
        name: the link's name in the target description. `postgres` is the link with the name `postgres`.

    Raises:
        UsageError: it is not a link's name: a letter from a to z, then letters, digits, `_` and `.`.
    """

    protocol: ClassVar[str] = "postgres"
    names: ClassVar[Mapping[Direction, tuple[str, ...]]] = NAMES
    phases: ClassVar[tuple[Phase, ...]] = ("startup", "authentication", "query", "commit", "idle")
    wordless_phases: ClassVar[tuple[Phase, ...]] = ("startup", "authentication")

    def waiting(self, text: str = "", at_least: int = 1) -> Moment:
        """At least `at_least` of the service's statements that begin with `text` wait for a lock, or for a standby.

        For example::

            held = server.hold_commits(postgres, "deliveries")
            async with lab.inject(held), lab.deliver(2):
                await lab.until(postgres.waiting("COMMIT", at_least=2))

        The harness reads `pg_stat_activity`: `wait_event_type` is `Lock`, or `wait_event` is `SyncRep` ("The Cumulative
        Statistics System" in PostgreSQL's manual). If the moment does not come in time, the run is inconclusive.

        Args:
            text: how the statements begin, in capitals or not. "": any statement.
            at_least: how many, 1 or more.

        Raises:
            UsageError: `at_least` is less than 1.
        """
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
