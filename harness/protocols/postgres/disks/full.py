"""Faults of PostgreSQL's disk: it is full, for a table or for the log of the server."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import ClassVar, cast

import asyncpg

from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Injection, Need
from harness.faults.messages.timing import TimedFault
from harness.faults.site import LaidLink, ServerChange, Site
from harness.protocols.postgres.disks.full_pages import FullPages
from harness.protocols.postgres.disks.moved_log import MovedLog
from harness.protocols.postgres.disks.refused_connects import RefusedWhenEnded
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.running.leaked import execute_past_leaks
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.postgres.tables import plain_table
from harness.protocols.postgres.words import Postgres
from harness.stack.small_disk import SmallDisk
from harness.vocabulary import ACKNOWLEDGED, ANY_OUTCOME

__all__ = ["fill_disk", "fill_log_disk"]

TABLE_DISK_BYTES = 16 << 20
"""More than the tables of a run need. The rest of the disk is filled."""
LOG_DISK_BYTES = 4 << 20
"""Less than one segment of the log."""
DISK_FULL = EvidenceKind(
    "disk_full", "PostgreSQL", "statements of the service's failed, since the disk is full (53100), by the server's log"
)
LOG_DISK_FULL = EvidenceKind(
    "log_disk_full", "PostgreSQL", "the server could write no more log, since its disk is full, and has ended"
)


@dataclass(frozen=True, repr=False)
class DiskFault(TimedFault):
    """The common base of this file's faults. The disk is a tmpfs in a mount namespace, which needs no root."""

    needs: ClassVar[frozenset[Need]] = frozenset({"user_namespace"})
    needs_own_server: ClassVar[bool] = True
    link: Postgres


@dataclass(frozen=True, repr=False)
class FillDisk(DiskFault, kind="server.fill_disk"):
    """The disk on which PostgreSQL keeps a table is full until healed: a row that needs a new page fails with 53100.

    For example::

        async with lab.inject(server.fill_disk(postgres, "deliveries")):
            await lab.deliver(5, expect=ACKNOWLEDGED | REFUSED)

    The table moves to a small file system ("Tablespaces" in PostgreSQL's manual), whose space another file uses up:
    PostgreSQL meets the kernel's own ENOSPC. Reads still work, and rows that fit into an existing page, so one or two
    deliveries may be stored. When it is healed, that file is deleted and the table moves back.

    Args:
        link: the link to the PostgreSQL server.
        table: the table's name: letters, digits and underscores.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `table` is not such a name.
    """

    does: ClassVar[str] = "fill the disk that {fault.link} keeps {fault.table} on"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (DISK_FULL,)
    table: str

    def __post_init__(self) -> None:
        super().__post_init__()
        plain_table(self.kind, self.table)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The first of several deliveries may still find room."""
        fault = cls(ground.link_as(Postgres), ground.table)
        return Example(fault, deliveries=SOME, expect=ACKNOWLEDGED | ground.without_link)

    def injection(self, site: Site) -> Injection:
        """Move the table to a small disk, and fill that."""
        return _FillDisk(self, site)


@dataclass(frozen=True, repr=False)
class FillLogDisk(DiskFault, kind="server.fill_log_disk"):
    """The disk for PostgreSQL's log (WAL) is full: the server ends at the next write to it. Healing starts it again.

    For example::

        async with lab.inject(server.fill_log_disk(postgres)):
            await lab.deliver(5, expect=REFUSED | UNKNOWN)

    Its log moves to a small file system, which has room for no new segment ("WAL Internals" in PostgreSQL's manual).
    The server panics at the next commit, and ends every session (57P02). Its recovery also needs a segment, so the
    server ends. When it is healed, the log has its old disk back and the server starts: it recovers what it had
    acknowledged.

    Args:
        link: the link to the PostgreSQL server. Every other link to the same server is struck, too.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    does: ClassVar[str] = "fill the disk that {fault.link} keeps its log on"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (LOG_DISK_FULL,)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The first commit ends the server."""
        return Example(cls(ground.link_as(Postgres)), deliveries=SOME, expect=ANY_OUTCOME)

    def injection(self, site: Site) -> Injection:
        """Move the log to a disk that is too small."""
        return _FillLogDisk(self, site)


class _OnSmallDisk(Injection):
    """The common base of both injections: a small disk while the fault is in force, and the server's log lines."""

    size_bytes: ClassVar[int]

    def __init__(self, fault: DiskFault, site: Site) -> None:
        self.fault = fault
        self.site = site
        self.server = cast("PostgresServer", site.servers[self.laid.server])
        self.change = ServerChange(self.laid.server, fault)
        self._disk: SmallDisk | None = None
        self._log_mark = 0

    @property
    def laid(self) -> LaidLink:
        """The link's current state."""
        return self.site.laid(self.fault.link)

    @property
    def disk(self) -> SmallDisk:
        """The small disk."""
        if self._disk is None:
            raise AssertionError("prepare() has mounted it")
        return self._disk

    async def prepare(self) -> None:
        """Mount the small disk."""
        if self._disk is None:
            self._disk = await asyncio.to_thread(self.server.small_disk, self.size_bytes)

    def begin(self) -> None:
        """Record that the server is changed from now on. Count its log lines from here."""
        self._log_mark = self.server.log.size() if self.server.log else 0
        self.site.server_changes.append(self.change)

    @property
    def begun(self) -> bool:
        """Whether the server is changed."""
        return self.change in self.site.server_changes and not self.change.mended

    def logged(self, line: str) -> int:
        """How many of the lines that the server has written since then match."""
        written = self.server.log.read(self._log_mark) if self.server.log else ""
        return len(re.findall(line, written))

    async def put_away(self) -> None:
        """Unmount the small disk."""
        if self._disk is not None:
            await asyncio.to_thread(self._disk.close)


class _FillDisk(_OnSmallDisk):
    size_bytes = TABLE_DISK_BYTES

    def __init__(self, fault: FillDisk, site: Site) -> None:
        super().__init__(fault, site)
        self._table = fault.table
        self._space = ""
        self._pages = FullPages(fault, fault.table, self.laid, site)

    async def act(self) -> None:
        await self.prepare()
        space = self.disk.folder / "space"
        space.mkdir(mode=0o700)
        self.begin()
        self.change.may_end_it = False
        async with open_session(self.laid.admin_url) as admin:
            oid = await admin.fetchval("SELECT oid FROM pg_database WHERE datname = current_database()")
            await admin.execute(f"CREATE TABLESPACE harness_{oid} LOCATION '{space}'")
            self._space = f"harness_{oid}"
            await self._alter(admin, f"SET TABLESPACE {self._space}")
        await self._pages.begin()
        await asyncio.to_thread(self.disk.fill)

    async def _alter(self, admin: asyncpg.Connection, change: str) -> None:
        statement = f"ALTER TABLE {self._table} {change}"
        await execute_past_leaks(admin, statement, fault=self.fault, laid=self.laid, site=self.site)

    async def fired(self) -> int:
        """How many of the service's statements failed."""
        return self.logged(rf"user={re.escape(self.laid.words['user'])} .*state=53100 ERROR:") if self.begun else 0

    async def heal(self) -> None:
        """Free the disk's space; move the table back; record the evidence, once."""
        if self.begun:
            refused = await self.fired()
            await asyncio.to_thread(self.disk.free)
            await self._move_back()
            self.change.mended = True
            if refused:
                detail = f"{refused} statements of the service failed with 53100, no space left for {self._table}"
                self.site.saw(DISK_FULL, detail, server=self.laid)
        await self.put_away()

    async def _move_back(self) -> None:
        if not self._space:
            return
        async with open_session(self.laid.admin_url) as admin:
            await self._alter(admin, "SET TABLESPACE pg_default")
            await self._pages.end()
            await admin.execute(f"DROP TABLESPACE {self._space}")


class _FillLogDisk(_OnSmallDisk):
    size_bytes = LOG_DISK_BYTES

    def __init__(self, fault: FillLogDisk, site: Site) -> None:
        super().__init__(fault, site)
        self._log = MovedLog(self.server.data / "pg_wal")
        self._refusing = RefusedWhenEnded(self.server, site)

    async def act(self) -> None:
        await self.prepare()
        self.begin()
        self._refusing.begin()
        await asyncio.to_thread(self._log.move, self.disk.folder / "pg_wal")
        async with open_session(self.laid.admin_url) as admin:
            self._log.forget_after(await admin.fetchval("SELECT pg_walfile_name(pg_current_wal_insert_lsn())"))
            await admin.execute("SELECT pg_switch_wal()")

    async def fired(self) -> int:
        """How often the server has ended since its log's disk was full."""
        return self.logged("state=53100 PANIC:") if self.begun else 0

    async def heal(self) -> None:
        """Give the log its old disk back, and start the server; record the evidence, once."""
        if self.begun:
            panics = await self.fired()
            await asyncio.to_thread(self._back_on_its_disk)
            await self._refusing.end()
            self.change.mended = True
            if panics:
                detail = f"{panics} times it could write no more log: no space left on its disk"
                self.site.saw(LOG_DISK_FULL, detail, server=self.laid)
        await self.put_away()

    def _back_on_its_disk(self) -> None:
        self.server.stop(how="immediate")
        self._log.move_back()
        self.server.start_again()


fill_disk, fill_log_disk = FillDisk, FillLogDisk
