"""Faults that another session of PostgreSQL causes: it holds a lock, so that statements wait, or ends sessions."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import ClassVar

import asyncpg

from harness.errors import HarnessError, UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Fault, Injection, Once
from harness.faults.messages.timing import TimedFault
from harness.faults.site import Site
from harness.protocols.postgres.disks.failing import fail_sync
from harness.protocols.postgres.disks.failing_writes import fail_write
from harness.protocols.postgres.disks.full import fill_disk, fill_log_disk
from harness.protocols.postgres.failover.lost_standby import lose_standby
from harness.protocols.postgres.failover.promotion import promote
from harness.protocols.postgres.failover.switchover import switch_over
from harness.protocols.postgres.pooling.pooler_faults import pause_pooler, pooler
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.refusing.logins import change_password, limit_connections
from harness.protocols.postgres.refusing.slots import take_connections
from harness.protocols.postgres.replicas.cancelled_reads import cancel_reads
from harness.protocols.postgres.replicas.lag import delay_replay, pause_replay, standby
from harness.protocols.postgres.replicas.promotion import promote_replica
from harness.protocols.postgres.replicas.swap import swap
from harness.protocols.postgres.running.leaked import execute_past_leaks
from harness.protocols.postgres.server_state import crash_backend
from harness.protocols.postgres.sessions.deadlock import deadlock
from harness.protocols.postgres.sessions.migrating import migrate
from harness.protocols.postgres.tables import plain_table
from harness.protocols.postgres.words import Postgres

ENDED_WITHIN_MS = 5_000
ADVISORY_KEY = 0x4841524E
"""The harness's own advisory lock ("HARN"), in the service's own database."""
TRIGGER = "harness_holds_commits"
SESSIONS_ENDED = EvidenceKind("sessions_ended", "PostgreSQL", "a session of the service was ended")
LOCK_WAITED_FOR = EvidenceKind(
    "lock_waited_for", "PostgreSQL", "a session of the service waited for the lock: pg_stat_activity or the log has it"
)


@dataclass(frozen=True, repr=False)
class TableFault(Fault):
    """A fault of one table.

    Raises:
        UsageError: `table` is not a plain name.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (LOCK_WAITED_FOR,)
    link: Postgres
    table: str

    def __post_init__(self) -> None:
        super().__post_init__()
        plain_table(self.kind, self.table)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """It delays a delivery."""
        return Example(cls(ground.link_as(Postgres), ground.table), met="until met")


@dataclass(frozen=True, repr=False)
class Lock(TableFault, kind="server.lock"):
    """Another session holds a lock on the table (ACCESS EXCLUSIVE) until healed.

    For example::

        locked = server.lock(postgres, "deliveries")
        async with lab.inject(locked), lab.deliver():
            await lab.until(locked.fired())

    The lock conflicts with every other one, so that even a SELECT waits ("Explicit Locking" in PostgreSQL's manual).
    `fired` counts the service's sessions that have waited for it.

    Args:
        link: the link to the PostgreSQL server.
        table: the table's name: letters, digits and underscores.

    Raises:
        UsageError: `table` is not such a name; or, when it is injected, there is no such table.
    """

    does: ClassVar[str] = "lock the table {fault.table}"
    waits_are_seen: ClassVar[bool] = True

    def injection(self, site: Site) -> Injection:
        """Take the lock."""
        return _Lock(self, site)


@dataclass(frozen=True, repr=False)
class HoldCommits(TableFault, kind="server.hold_commits"):
    """Transactions that insert into the table wait in their COMMIT until healed; then they are committed.

    For example::

        held = server.hold_commits(postgres, "deliveries")
        async with lab.inject(held), lab.deliver():
            await lab.until(postgres.waiting("COMMIT"))

    A deferred constraint trigger runs at COMMIT ("CREATE TRIGGER" in PostgreSQL's manual) and waits for an advisory
    lock that the harness holds. The service's own statements stay as they are.

    Args:
        link: the link to the PostgreSQL server.
        table: the table's name: letters, digits and underscores.

    Raises:
        UsageError: `table` is not such a name; or, when it is injected, there is no such table.
    """

    does: ClassVar[str] = "let transactions on {fault.table} wait in their COMMIT"
    waits_are_seen: ClassVar[bool] = True

    def injection(self, site: Site) -> Injection:
        """Take the advisory lock, then set the trigger."""
        return _HoldCommits(self, site)


class _Lock(Injection):
    def __init__(self, fault: TableFault, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._laid = site.laid(fault.link)
        self._exits = AsyncExitStack()
        self._session: asyncpg.Connection | None = None
        self._pid = 0
        self._lock = ""
        self._log_mark = 0

    async def act(self) -> None:
        self._log_mark = self._laid.log.size() if self._laid.log else 0
        session = await self._exits.enter_async_context(open_session(self._laid.admin_url))
        self._pid = session.get_server_pid()
        try:
            await self._take(session)
        except asyncpg.UndefinedTableError as problem:
            await self._exits.aclose()
            raise UsageError.at(
                self._fault.kind, "table", self._fault.table, str(problem), mend="name a table of the service's"
            ) from problem
        except asyncpg.PostgresError as problem:
            await self._exits.aclose()
            raise HarnessError(f"{self._fault!r} could not be taken: {problem}") from problem
        except BaseException:
            await self._exits.aclose()
            raise
        self._session = session

    async def _take(self, session: asyncpg.Connection) -> None:
        self._lock = await session.fetchval(
            "SELECT format('relation %s of database %s', $1::text::regclass::oid, oid) FROM pg_database"
            " WHERE datname = current_database()",
            self._fault.table,
        )
        await session.execute("BEGIN")
        await self._execute(session, f"LOCK TABLE {self._fault.table} IN ACCESS EXCLUSIVE MODE")

    async def _execute(self, session: asyncpg.Connection, statement: str) -> None:
        await execute_past_leaks(session, statement, fault=self._fault, laid=self._laid, site=self._site)

    async def _release(self, session: asyncpg.Connection) -> None:
        await session.execute("ROLLBACK")

    async def fired(self) -> int:
        """Sessions of the service that are waiting or have waited for this lock."""
        if self._session is None:
            return 0
        waiting = await self._session.fetch(
            "SELECT pid FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid)) AND usename = $2",
            self._pid,
            self._laid.words["user"],
        )
        return len({row["pid"] for row in waiting} | self._waited())

    def _waited(self) -> set[int]:
        """Pids that waited for this lock according to the server's log (log_lock_waits), even if they gave up."""
        if self._laid.log is None:
            return set()
        lines = self._laid.log.read(self._log_mark).splitlines()
        mine = re.escape(self._laid.words["user"])
        waits = re.compile(rf"\b{mine}\b.*process (\d+) still waiting for \w+ on {re.escape(self._lock)} after")
        return {int(found[1]) for line in lines if (found := waits.search(line))}

    async def heal(self) -> None:
        if self._session is None:
            return
        session = self._session
        try:
            waited = await self.fired()
            if waited:
                self._site.saw(LOCK_WAITED_FOR, f"{waited} of the service's sessions waited for it", server=self._laid)
        finally:  # the lock is released even if counting fails
            self._session = None
            await self._let_go(session)

    async def _let_go(self, session: asyncpg.Connection) -> None:
        try:
            await self._release(session)
        finally:
            await self._exits.aclose()


class _HoldCommits(_Lock):
    async def _take(self, session: asyncpg.Connection) -> None:
        self._lock = await session.fetchval(
            # The server's log shows a key of 64 bits as two halves, followed by 1.
            "SELECT format('advisory lock [%s,%s,%s,1]', oid, $1::bigint, $2::bigint) FROM pg_database"
            " WHERE datname = current_database()",
            ADVISORY_KEY >> 32,
            ADVISORY_KEY & 0xFFFFFFFF,
        )
        await session.execute(f"SELECT pg_advisory_lock({ADVISORY_KEY})")
        trigger = f"""
            CREATE FUNCTION {TRIGGER}() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_advisory_xact_lock_shared({ADVISORY_KEY}); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER {TRIGGER} AFTER INSERT ON {self._fault.table}
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {TRIGGER}();
        """
        await self._execute(session, trigger)

    async def _release(self, session: asyncpg.Connection) -> None:
        await session.execute(f"SELECT pg_advisory_unlock({ADVISORY_KEY})")
        await self._execute(session, f"DROP FUNCTION IF EXISTS {TRIGGER} CASCADE")


@dataclass(frozen=True, repr=False)
class EndSessions(TimedFault, kind="server.end_sessions"):
    """PostgreSQL ends every session of the service, once; new sessions are accepted.

    For example::

        await lab.inject(server.end_sessions(postgres))
        await lab.deliver(5)

    It calls pg_terminate_backend ("System Administration Functions" in PostgreSQL's manual), as an administrator does,
    and waits up to five seconds for each session's end.

    Args:
        link: the link to the PostgreSQL server.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    does: ClassVar[str] = "let PostgreSQL end every session of the service"
    waits_are_seen: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (SESSIONS_ENDED,)
    link: Postgres

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """It happens once, before the deliveries, so all are acknowledged."""
        return Example(cls(ground.link_as(Postgres)), met="after", deliveries=SOME)

    def injection(self, site: Site) -> Injection:
        """End them, and wait until they are gone."""
        return _EndSessions(self, site)


class _EndSessions(Once):
    def __init__(self, fault: EndSessions, site: Site) -> None:
        self._fault = fault
        self._site = site

    async def act(self) -> None:
        laid = self._site.laid(self._fault.link)
        async with open_session(laid.admin_url) as asking:
            # The second argument is how long to wait for its end, in milliseconds.
            ended = await asking.fetch(
                "SELECT pid, pg_terminate_backend(pid, $2) AS gone FROM pg_stat_activity WHERE usename = $1",
                laid.words["user"],
                ENDED_WITHIN_MS,
            )
        self.struck = sum(1 for row in ended if row["gone"])
        if self.struck:
            self._site.saw(SESSIONS_ENDED, f"{self.struck} sessions of the service terminated", server=laid)


end_sessions, lock, hold_commits = EndSessions, Lock, HoldCommits

__all__ = [
    "cancel_reads",
    "change_password",
    "crash_backend",
    "deadlock",
    "delay_replay",
    "end_sessions",
    "fail_sync",
    "fail_write",
    "fill_disk",
    "fill_log_disk",
    "hold_commits",
    "limit_connections",
    "lock",
    "lose_standby",
    "migrate",
    "pause_pooler",
    "pause_replay",
    "pooler",
    "promote",
    "promote_replica",
    "standby",
    "swap",
    "switch_over",
    "take_connections",
]
