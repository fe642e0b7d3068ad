"""Faults that put PostgreSQL itself into a state of production: a backend has crashed, logins are refused."""

from __future__ import annotations

import os
import re
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import asyncpg

from harness.errors import HarnessError, UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Fault, Injection
from harness.faults.link import cut
from harness.faults.messages.timing import TimedFault
from harness.faults.site import ServerChange, Site
from harness.polling import poll_async
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.words import Postgres
from harness.relay import Ended, Report
from harness.vocabulary import ANY_OUTCOME

THROWN_OUT_WITHIN_S = 30.0
"""Far beyond what the postmaster needs to end all sessions."""
BACK_WITHIN_S = 30.0
"""Far beyond what a recovery of the harness's small databases takes."""
NO_LIMIT = -1
LOGINS_REFUSED = EvidenceKind(
    "logins_refused", "PostgreSQL", "the service was refused a session (53300), by the server's log"
)
PASSWORD_REFUSED = EvidenceKind(
    "password_refused", "PostgreSQL", "the service's password was refused (28P01), by the server's log"
)
SESSIONS_THROWN_OUT = EvidenceKind(
    "sessions_thrown_out", "relay", "the server ended sessions of the service, because one of its backends crashed"
)


@dataclass(frozen=True, repr=False)
class CrashBackend(TimedFault, kind="server.crash_backend"):
    """One backend of the service's is killed (SIGKILL): PostgreSQL throws every session out, and recovers by itself.

    For example::

        await lab.inject(server.crash_backend(postgres))
        await lab.deliver(5)

    A crashed backend may have damaged the shared memory, so the postmaster ends all sessions (57P02) and recovers from
    its log, on the same port; meanwhile it answers 57P03 ("the database system is in recovery mode").

    Args:
        link: the link to the PostgreSQL server.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    does: ClassVar[str] = "kill a backend of PostgreSQL"
    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (SESSIONS_THROWN_OUT,)
    link: Postgres

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Deliveries that come while it recovers may be refused."""
        return Example(cls(ground.link_as(Postgres)), deliveries=SOME, expect=ANY_OUTCOME, prepared=True)

    def injection(self, site: Site) -> Injection:
        """Kill the process that serves one of the service's sessions."""
        return _CrashBackend(self, site)


class _CrashBackend(Injection):
    def __init__(self, fault: CrashBackend, site: Site) -> None:
        self._laid = site.laid(fault.link)
        self._site = site
        self._change = ServerChange(self._laid.server, fault, may_end_it=False)
        self._ended: list[Ended] = []
        self._leave: Callable[[], None] = lambda: None

    def _heard(self, report: Report) -> None:
        if isinstance(report, Ended) and report.hop == self._laid.hop and report.by in ("server", "reset by server"):
            self._ended.append(report)

    async def act(self) -> None:
        sql = "SELECT pid FROM pg_stat_activity WHERE usename = $1 ORDER BY backend_start LIMIT 1"
        async with open_session(self._laid.admin_url) as asking:
            pid = await asking.fetchval(sql, self._laid.words["user"])
            if pid is None:
                return  # `instead` says so
            self._site.server_changes.append(self._change)
            self._leave = self._site.relay.on_report(self._heard)
            os.kill(pid, signal.SIGKILL)
            # This session is thrown out, too: when it has ended, so has every other.
            if not await poll_async(lambda: _ended(asking), within_s=THROWN_OUT_WITHIN_S):
                problem = f"backend {pid} was killed, and {THROWN_OUT_WITHIN_S:g} s later sessions were still open"
                raise HarnessError(
                    f"{self._laid.server}: {problem}", hint="see the server's log for what its postmaster did"
                )
        await self._site.relay.sync()

    async def fired(self) -> int:
        return len(self._ended)

    async def instead(self) -> str:
        return "" if self._ended else "the service had no session that could crash"

    async def heal(self) -> None:
        """Wait until the server has recovered; record what it ended, once."""
        if self._change not in self._site.server_changes or self._change.mended:
            return
        if not await poll_async(self._serves, within_s=BACK_WITHIN_S):
            raise HarnessError(f"{self._laid.server} has not recovered {BACK_WITHIN_S:g} s after a backend's crash")
        self._change.mended = True
        await self._site.relay.sync()
        self._leave()
        if self._ended:
            ports = ", ".join(str(each.service_port) for each in self._ended)
            self._site.saw(SESSIONS_THROWN_OUT, f"{len(self._ended)} sessions of the service (ports {ports})")

    async def _serves(self) -> bool:
        try:
            async with open_session(self._laid.admin_url):
                return True
        except (asyncpg.PostgresError, OSError):
            return False  # 57P03: it is still recovering


async def _ended(session: asyncpg.Connection) -> bool:
    return bool(session.is_closed())


@dataclass(frozen=True, repr=False)
class LimitConnections(Fault, kind="server.limit_connections"):
    """PostgreSQL lets the service have only so many sessions: it refuses further ones with 53300 until healed.

    For example::

        async with lab.inject(link.cut(postgres), server.limit_connections(postgres, 2)):
            await lab.deliver(5, expect=ANY_OUTCOME)

    It sets the CONNECTION LIMIT of the service's role ("ALTER ROLE" in PostgreSQL's manual): sessions that are open
    stay, as when somebody else has taken the slots.

    Args:
        link: the link to the PostgreSQL server.
        sessions: how many the service may have, 0 or more.

    Raises:
        UsageError: `sessions` is less than 0.
    """

    does: ClassVar[str] = "let the service have {fault.sessions} sessions at PostgreSQL"
    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (LOGINS_REFUSED,)
    link: Postgres
    sessions: int = field()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sessions < 0:
            problem, mend = "less than no session", "write 0 to refuse every new session"
            raise UsageError.at(self.kind, "sessions", self.sessions, problem, mend=mend)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Connections are made anew, and none is let in: the service refuses."""
        link = ground.link_as(Postgres)
        return Example(cls(link, 0), beside=(cut(link),), deliveries=SOME, expect=ground.without_link)

    def injection(self, site: Site) -> Injection:
        """Set the limit of the service's role."""
        return _LimitConnections(self, site)


@dataclass(frozen=True, repr=False)
class ChangePassword(Fault, kind="server.change_password"):
    """The password of the service's role is another one until healed: new sessions are refused with 28P01.

    For example::

        async with lab.inject(link.cut(postgres), server.change_password(postgres)):
            await lab.deliver(5, expect=REFUSED)

    As when it was rotated before the service was given the new one ("ALTER ROLE" in PostgreSQL's manual): sessions that
    are open stay.

    Args:
        link: the link to the PostgreSQL server.
    """

    does: ClassVar[str] = "change the service's password at PostgreSQL"
    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (PASSWORD_REFUSED,)
    link: Postgres

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Connections are made anew, and none is let in: the service refuses."""
        link = ground.link_as(Postgres)
        return Example(cls(link), beside=(cut(link),), deliveries=SOME, expect=ground.without_link)

    def injection(self, site: Site) -> Injection:
        """Give the service's role another password."""
        return _ChangePassword(self, site)


class _LoginsRefused(Injection):
    """Changes the service's role, so that PostgreSQL refuses its logins, and changes it back.

    `evidence`: what the refusals are. `line`: a refusal in the server's log, with the role's name in `{user}`.
    """

    evidence: ClassVar[EvidenceKind]
    line: ClassVar[str]

    def __init__(self, link: Postgres, site: Site) -> None:
        self._site = site
        self._laid = site.laid(link)
        self.user = self._laid.words["user"]
        self._changed = False
        self._log_mark = 0

    async def change(self, admin: asyncpg.Connection) -> None:
        """Change the role."""
        raise NotImplementedError

    async def change_back(self, admin: asyncpg.Connection) -> None:
        """Make it what it was."""
        raise NotImplementedError

    async def act(self) -> None:
        self._log_mark = self._laid.log.size() if self._laid.log else 0
        async with open_session(self._laid.admin_url) as admin:
            self._changed = True
            await self.change(admin)

    async def fired(self) -> int:
        """How many logins of the service were refused."""
        if self._laid.log is None:
            return 0
        line = re.compile(self.line.format(user=re.escape(self.user)))
        return len(line.findall(self._laid.log.read(self._log_mark)))

    async def heal(self) -> None:
        """Change the role back, once."""
        if not self._changed:
            return
        refused = await self.fired()
        async with open_session(self._laid.admin_url) as admin:
            await self.change_back(admin)
        self._changed = False
        if refused:
            self._site.saw(self.evidence, f"{refused} logins of the service refused", server=self._laid)


class _LimitConnections(_LoginsRefused):
    evidence = LOGINS_REFUSED
    line = r"too many connections for role \"{user}\""

    def __init__(self, fault: LimitConnections, site: Site) -> None:
        super().__init__(fault.link, site)
        self._sessions = fault.sessions

    async def change(self, admin: asyncpg.Connection) -> None:
        await self._limit(admin, self._sessions)

    async def change_back(self, admin: asyncpg.Connection) -> None:
        await self._limit(admin, NO_LIMIT)

    async def _limit(self, admin: asyncpg.Connection, sessions: int) -> None:
        await admin.execute(f'ALTER ROLE "{self.user}" CONNECTION LIMIT {sessions}')


class _ChangePassword(_LoginsRefused):
    evidence = PASSWORD_REFUSED
    line = r"password authentication failed for user \"{user}\""

    def __init__(self, fault: ChangePassword, site: Site) -> None:
        super().__init__(fault.link, site)
        self._kept = ""

    async def change(self, admin: asyncpg.Connection) -> None:
        # What is kept of a password, the number of its rounds included, can be given back as it is.
        self._kept = await admin.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", self.user)
        await self._set(admin, secrets.token_hex(12))

    async def change_back(self, admin: asyncpg.Connection) -> None:
        await self._set(admin, self._kept)

    async def _set(self, admin: asyncpg.Connection, password: str) -> None:
        await admin.execute(f"ALTER ROLE \"{self.user}\" PASSWORD '{password}'")


change_password, crash_backend, limit_connections = ChangePassword, CrashBackend, LimitConnections

__all__ = ["change_password", "crash_backend", "limit_connections"]
