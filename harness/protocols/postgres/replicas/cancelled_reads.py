"""The fault of a read that a standby cancels, because it conflicts with what the standby must replay."""

from __future__ import annotations

import math
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import ClassVar

import asyncpg

from harness.errors import HarnessError, UsageError
from harness.faults.background import Background
from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.fault import Injection
from harness.faults.site import Site
from harness.polling import poll_async
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.replicas.replica_link import OnReplica, ReplicaFault, read_behind
from harness.protocols.postgres.tables import plain_table
from harness.protocols.postgres.words import Postgres

REPLAYED_WITHIN_S = 30.0
LOOK_EVERY_S = 0.01
READS_CANCELLED = EvidenceKind(
    "reads_cancelled", "PostgreSQL", "the standby cancelled statements of the service's (40001), by its log"
)
INDEX = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = $1::regclass AND indisprimary"
LOCKED = "SELECT 1 FROM pg_locks WHERE relation = $1::regclass AND mode = 'AccessExclusiveLock' AND granted"
WAITS = "SELECT 1 FROM pg_stat_activity WHERE usename = $1 AND state = 'active' AND wait_event_type = 'Lock'"


@dataclass(frozen=True, repr=False)
class CancelReads(ReplicaFault, kind="server.cancel_reads"):
    """The standby cancels the service's first read of a table (40001), because the read blocks its replay.

    For example::

        replica = Postgres("replica")
        async with lab.inject(server.cancel_reads(replica, "deliveries")):
            await lab.request("delivery", of=0, expect=ACKNOWLEDGED)

    The conflict is real: a migration on the primary rebuilds the table's primary key (REINDEX). As soon as this is
    replayed, a read at the standby waits for it. Then the migration locks the table, and the standby, which does not
    wait (`max_standby_streaming_delay = 0`), cancels the read ("Handling Query Conflicts" in PostgreSQL's manual).
    After that the migration is rolled back. Until then reads and writes at the primary wait: for the tenth of a second
    until the read at the standby was cancelled, or until the fault is healed. The fault creates the standby, as
    `server.standby` does.

    Args:
        link: a link with `replica_of` in the target description.
        table: the table's name, which needs a primary key.
        at: as of `server.standby`.

    Raises:
        UsageError: `table` is not a table's name; or, when it is injected, the link reads no replica, or there is no
            such table with a primary key.
    """

    does: ClassVar[str] = "have the standby behind {fault.link} cancel a read of {fault.table}"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (READS_CANCELLED,)
    table: str = field()

    def __post_init__(self) -> None:
        super().__post_init__()
        plain_table(self.kind, self.table)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """An earlier delivery is read: a new one would wait."""
        return read_behind(cls(ground.link_as(Postgres), ground.table), ground, deliveries=0)

    def injection(self, site: Site) -> Injection:
        """Rebuild the key on the primary, wait for a read at the standby, and lock the table."""
        return _CancelReads(self, site)


class _CancelReads(OnReplica):
    settings = ("ALTER SYSTEM SET max_standby_streaming_delay = 0",)

    def __init__(self, fault: CancelReads, site: Site) -> None:
        super().__init__(fault, site)
        self._fault = fault
        self._exits = AsyncExitStack()
        self._log_mark: int | None = None
        self._migrating = Background()

    async def act(self) -> None:
        server = await self._replica.make()
        admin = await self._exits.enter_async_context(open_session(self._replica.followed.admin_url))
        standby = await self._exits.enter_async_context(open_session(self._replica.laid.admin_url))
        index = await self._index(admin)
        self._log_mark = server.log.size() if server.log else 0
        await admin.execute(f"BEGIN; REINDEX INDEX {index}")
        await self._send_log()

        async def has_it() -> bool:
            return bool(await standby.fetchval(LOCKED, index))

        if not await poll_async(has_it, within_s=REPLAYED_WITHIN_S):
            raise HarnessError(f"{server.name} has not replayed a REINDEX in {REPLAYED_WITHIN_S:g} s")
        self._migrating.begin(self._migrate(admin, standby))

    async def _index(self, admin: asyncpg.Connection) -> str:
        try:
            found = await admin.fetchval(INDEX, self._fault.table)
        except asyncpg.UndefinedTableError:
            found = None
        if found is None:
            mend = "name a table of the service's that has one"
            raise UsageError.at(self._fault.kind, "table", self._fault.table, "has no primary key", mend=mend)
        return str(found)

    async def _migrate(self, admin: asyncpg.Connection, standby: asyncpg.Connection) -> None:
        """Wait for a read at the standby; lock the table, until the read was cancelled."""
        try:
            await poll_async(lambda: self._waits(standby), within_s=math.inf, interval_s=LOOK_EVERY_S)
            await admin.execute(f"LOCK TABLE {self._fault.table} IN ACCESS EXCLUSIVE MODE")
            await self._send_log()
            await poll_async(self._cancelled, within_s=REPLAYED_WITHIN_S, interval_s=LOOK_EVERY_S)
        finally:
            await admin.execute("ROLLBACK")

    async def _waits(self, standby: asyncpg.Connection) -> bool:
        return bool(await standby.fetchval(WAITS, self._replica.laid.words["user"]))

    async def _send_log(self) -> None:
        """Make the server send what the migration has logged.

        A COMMIT with a log record writes everything before it.
        """
        async with open_session(self._replica.followed.admin_url) as other:
            await other.execute("SELECT pg_logical_emit_message(true, 'harness', '')")

    async def _cancelled(self) -> bool:
        return await self.fired() > 0

    async def fired(self) -> int:
        """How many of the service's statements it has cancelled."""
        laid = self._replica.laid
        if self._log_mark is None or laid.log is None:
            return 0
        line = rf"user={re.escape(laid.words['user'])} .*state=40001.*conflict with recovery"
        return len(re.findall(line, laid.log.read(self._log_mark)))

    async def heal(self) -> None:
        """Roll back the migration if it still waits for a read; record the cancelled reads, once."""
        try:
            await self._migrating.end(cancel=True)
            cancelled = await self.fired()
            self._log_mark = None
            await self._exits.aclose()
            if cancelled:
                detail = f"{cancelled} statements of the service's"
                self._site.saw(READS_CANCELLED, detail, server=self._replica.laid)
        finally:
            await self._replica.give_up()
        self._migrating.check()


cancel_reads = CancelReads

__all__ = ["cancel_reads"]
