"""The fault of a deadlock between a second session and the service's transaction."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import ClassVar

import asyncpg

from harness.errors import HarnessError, UsageError
from harness.faults.background import Background
from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.fault import Injection
from harness.faults.messages.timing import TimedFault
from harness.faults.site import Site
from harness.polling import poll_async
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.running.leaked import execute_past_leaks
from harness.protocols.postgres.tables import plain_table
from harness.protocols.postgres.words import Postgres
from harness.vocabulary import ACKNOWLEDGED

__all__ = ["deadlock"]

ADVISORY_KEY = 0x4841524F
"""The harness's own advisory lock ("HARO"), in the service's own database."""
TRIGGER = "harness_deadlocks_commits"
WAITS_WITHIN_S = 10.0
NEVER_THE_VICTIM = "SET deadlock_timeout = '1h'"
"""PostgreSQL cancels the session that first looks for a cycle. The harness's session does not look."""
DEADLOCK_DETECTED = EvidenceKind(
    "deadlock_detected", "PostgreSQL", "a transaction of the service's was turned back (40P01), by the server's log"
)


@dataclass(frozen=True, repr=False)
class Deadlock(TimedFault, kind="server.deadlock"):
    """A second session and the service's transaction wait for each other: PostgreSQL cancels the service's (40P01).

    For example::

        async with lab.inject(server.deadlock(postgres, "deliveries", at=postgres.sent("COMMIT"))):
            await lab.deliver()

    The second session waits for a lock on the table, which the transaction holds since its INSERT ("Deadlocks" in
    PostgreSQL's manual). The transaction's COMMIT then waits, in a deferred constraint trigger, for a lock of that
    session, and PostgreSQL finds the cycle.

    Args:
        link: the link to the PostgreSQL server.
        table: the table's name: letters, digits and underscores.
        at: the COMMIT of a transaction that has inserted into the table.

    Raises:
        UsageError: `table` is not such a name; or, when it is injected, `at` is missing.
    """

    does: ClassVar[str] = "have another session and the service's transaction on {fault.table} wait for each other"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (DEADLOCK_DETECTED,)
    link: Postgres
    table: str

    def __post_init__(self) -> None:
        super().__post_init__()
        plain_table(self.kind, self.table)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """A service may retry, or refuse."""
        link = ground.link_as(Postgres)
        fault = cls(link, ground.table, at=link.sent("COMMIT"))
        return Example(fault, expect=ACKNOWLEDGED | ground.without_link)

    def injection(self, site: Site) -> Injection:
        """Set the trigger, and wait for the table's lock when the COMMIT has come."""
        if self.at is None:
            mend = 'write at=postgres.sent("COMMIT")'
            raise UsageError.at(self.kind, "at", None, "no transaction has a lock yet", mend=mend)
        return _Deadlock(self, site)


class _Deadlock(Injection):
    def __init__(self, fault: Deadlock, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._laid = site.laid(fault.link)
        self._exits = AsyncExitStack()
        self._session: asyncpg.Connection | None = None
        self._waiting = Background()
        self._log_mark = 0

    async def prepare(self) -> None:
        """Take the lock that the COMMIT will wait for. Only then make the COMMIT wait."""
        if self._session is not None:
            return
        self._log_mark = self._laid.log.size() if self._laid.log else 0
        session: asyncpg.Connection = await self._exits.enter_async_context(open_session(self._laid.admin_url))
        self._session = session
        await session.execute(f"SELECT pg_advisory_lock({ADVISORY_KEY})")
        trigger = f"""
            CREATE FUNCTION {TRIGGER}() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_advisory_xact_lock_shared({ADVISORY_KEY}); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER {TRIGGER} AFTER INSERT ON {self._fault.table}
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {TRIGGER}();
        """
        await self._execute(session, trigger)
        await session.execute(f"{NEVER_THE_VICTIM}; RESET lock_timeout")

    async def _execute(self, session: asyncpg.Connection, statement: str) -> None:
        await execute_past_leaks(session, statement, fault=self._fault, laid=self._laid, site=self._site)

    async def act(self) -> None:
        await self.prepare()
        if self._session is None:
            raise AssertionError("prepare() has opened it")
        pid = self._session.get_server_pid()
        self._waiting.begin(self._wait_for_the_table(self._session))
        async with open_session(self._laid.admin_url) as asking:

            async def waits() -> bool:
                return bool(await asking.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", pid))

            if not await poll_async(waits, within_s=WAITS_WITHIN_S):
                raise HarnessError(f"nothing of the service's had a lock on {self._fault.table} at its COMMIT")

    async def _wait_for_the_table(self, session: asyncpg.Connection) -> None:
        """Get the lock when the service's transaction has been cancelled; let all others continue."""
        async with session.transaction():
            await session.execute(f"LOCK TABLE {self._fault.table} IN SHARE MODE")
        await session.execute(f"SELECT pg_advisory_unlock({ADVISORY_KEY})")

    async def fired(self) -> int:
        """How many of the service's transactions were cancelled."""
        if self._laid.log is None or self._session is None:
            return 0
        line = rf"user={re.escape(self._laid.words['user'])} .*state=40P01 ERROR:"
        return len(re.findall(line, self._laid.log.read(self._log_mark)))

    async def heal(self) -> None:
        """Release both, once."""
        if self._session is None:
            return
        try:
            await asyncio.wait_for(self._waiting.end(cancel=False), WAITS_WITHIN_S)
        finally:
            detected, session, self._session = await self.fired(), self._session, None
            await self._waiting.end(cancel=True)
            await session.execute("SELECT pg_advisory_unlock_all()")
            await self._execute(session, f"DROP FUNCTION IF EXISTS {TRIGGER} CASCADE")
            await self._exits.aclose()
        self._waiting.check()
        if detected:
            self._site.saw(DEADLOCK_DETECTED, f"{detected} transactions of the service turned back", server=self._laid)


deadlock = Deadlock
