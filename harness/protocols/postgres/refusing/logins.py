"""Faults by which PostgreSQL refuses the service's logins: a limit of its role or database, another password."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

import asyncpg

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Fault, Injection
from harness.faults.link import cut
from harness.faults.site import Site
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.words import Postgres

__all__ = ["LOGINS_REFUSED", "LoginsRefused", "change_password", "limit_connections"]

Whose: TypeAlias = Literal["role", "database"]
"""Whose limit of sessions is set."""
NO_LIMIT = -1
LOGINS_REFUSED = EvidenceKind(
    "logins_refused", "PostgreSQL", "the service was refused a session (53300), by the server's log"
)
PASSWORD_REFUSED = EvidenceKind(
    "password_refused", "PostgreSQL", "the service's password was refused (28P01), by the server's log"
)
_LINES: Mapping[Whose, str] = {
    "role": r"too many connections for role \"{user}\"",
    "database": r"user={user} .*too many connections for database \"{database}\"",
}


@dataclass(frozen=True, repr=False)
class LimitConnections(Fault, kind="server.limit_connections"):
    """PostgreSQL limits the service's sessions: it refuses further ones with 53300 until healed.

    For example::

        async with lab.inject(link.cut(postgres), server.limit_connections(postgres, 2)):
            await lab.deliver(5, expect=ANY_OUTCOME)

    It sets the CONNECTION LIMIT of the service's role ("ALTER ROLE" in PostgreSQL's manual), or that of its database
    ("ALTER DATABASE"), which every role but a superuser shares. Open sessions stay. For slots that another role has,
    see `server.take_connections`.

    Args:
        link: the link to the PostgreSQL server.
        sessions: how many the service may have, 0 or more.
        of: whose limit it is, "role" or "database".

    Raises:
        UsageError: `sessions` is less than 0.
    """

    does: ClassVar[str] = "let the service's {fault.of} have {fault.sessions} sessions at PostgreSQL"
    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (LOGINS_REFUSED,)
    link: Postgres
    sessions: int = field()
    of: Whose = field(default="role", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sessions < 0:
            problem, mend = "less than no session", "write 0 to refuse every new session"
            raise UsageError.at(self.kind, "sessions", self.sessions, problem, mend=mend)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The service has to connect again, and every connect is refused, so it refuses."""
        link = ground.link_as(Postgres)
        return Example(cls(link, 0), beside=(cut(link),), deliveries=SOME, expect=ground.without_link)

    def injection(self, site: Site) -> Injection:
        """Set the limit."""
        return _LimitConnections(self, site)


@dataclass(frozen=True, repr=False)
class ChangePassword(Fault, kind="server.change_password"):
    """The password of the service's role is changed until healed: new sessions are refused with 28P01.

    For example::

        async with lab.inject(link.cut(postgres), server.change_password(postgres)):
            await lab.deliver(5, expect=REFUSED)

    This happens when the password is rotated before the service gets the new one ("ALTER ROLE" in PostgreSQL's manual).
    Open sessions stay.

    Args:
        link: the link to the PostgreSQL server.
    """

    does: ClassVar[str] = "change the service's password at PostgreSQL"
    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (PASSWORD_REFUSED,)
    link: Postgres

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The service has to connect again, and every connect is refused, so it refuses."""
        link = ground.link_as(Postgres)
        return Example(cls(link), beside=(cut(link),), deliveries=SOME, expect=ground.without_link)

    def injection(self, site: Site) -> Injection:
        """Give the service's role another password."""
        return _ChangePassword(self, site)


class LoginsRefused(Injection):
    """Changes PostgreSQL so that it refuses the service's logins, and changes it back.

    `evidence`: the kind of evidence. `line`: a refusal in the server's log, with the names of the service's role and
    database in `{user}` and `{database}`.
    """

    evidence: ClassVar[EvidenceKind]
    line: str

    def __init__(self, link: Postgres, site: Site) -> None:
        self._site = site
        self._laid = site.laid(link)
        self.user, self.database = self._laid.words["user"], self._laid.words["database"]
        self._changed = False
        self._log_mark = 0

    async def change(self, admin: asyncpg.Connection) -> None:
        """Change the role, the database or the server."""
        raise NotImplementedError

    async def change_back(self, admin: asyncpg.Connection) -> None:
        """Restore it."""
        raise NotImplementedError

    async def act(self) -> None:
        """Make it refuse from now on."""
        self._log_mark = self._laid.log.size() if self._laid.log else 0
        async with open_session(self._laid.admin_url) as admin:
            self._changed = True
            await self.change(admin)

    async def fired(self) -> int:
        """How many logins of the service were refused."""
        if self._laid.log is None:
            return 0
        line = re.compile(self.line.format(user=re.escape(self.user), database=re.escape(self.database)))
        return len(line.findall(self._laid.log.read(self._log_mark)))

    async def heal(self) -> None:
        """Change it back, once."""
        if not self._changed:
            return
        refused = await self.fired()
        async with open_session(self._laid.admin_url) as admin:
            await self.change_back(admin)
        self._changed = False
        if refused:
            self._site.saw(self.evidence, f"{refused} logins of the service refused", server=self._laid)


class _LimitConnections(LoginsRefused):
    evidence = LOGINS_REFUSED

    def __init__(self, fault: LimitConnections, site: Site) -> None:
        super().__init__(fault.link, site)
        self._sessions, self._of = fault.sessions, fault.of
        self.line = _LINES[fault.of]

    async def change(self, admin: asyncpg.Connection) -> None:
        await self._limit(admin, self._sessions)

    async def change_back(self, admin: asyncpg.Connection) -> None:
        await self._limit(admin, NO_LIMIT)

    async def _limit(self, admin: asyncpg.Connection, sessions: int) -> None:
        name = self.user if self._of == "role" else self.database
        await admin.execute(f'ALTER {self._of} "{name}" CONNECTION LIMIT {sessions}')


class _ChangePassword(LoginsRefused):
    evidence = PASSWORD_REFUSED
    line = r"password authentication failed for user \"{user}\""

    def __init__(self, fault: ChangePassword, site: Site) -> None:
        super().__init__(fault.link, site)
        self._kept = ""

    async def change(self, admin: asyncpg.Connection) -> None:
        # The stored form of a password, with its number of rounds, can be set again as it is.
        self._kept = await admin.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", self.user)
        await self._set(admin, secrets.token_hex(12))

    async def change_back(self, admin: asyncpg.Connection) -> None:
        await self._set(admin, self._kept)

    async def _set(self, admin: asyncpg.Connection, password: str) -> None:
        await admin.execute(f"ALTER ROLE \"{self.user}\" PASSWORD '{password}'")


change_password, limit_connections = ChangePassword, LimitConnections
