"""The fault of a disk that refuses PostgreSQL's writes: they end with an error."""

from __future__ import annotations

import asyncio
import errno as errno_numbers
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, cast

from harness.errors import HarnessError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Injection, Need
from harness.faults.messages.timing import TimedFault
from harness.faults.site import ServerChange, Site
from harness.polling import poll_async
from harness.processes.syscalls import FileRule, SyscallEvent
from harness.protocols.postgres.disks.failing import BACK_WITHIN_S, DiskErrno
from harness.protocols.postgres.disks.full_pages import FullPages
from harness.protocols.postgres.disks.refused_connects import RefusedWhenEnded
from harness.protocols.postgres.probes import serves
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.server import SYNC_CALLS, WRITE_CALLS, PostgresServer
from harness.protocols.postgres.tables import plain_table
from harness.protocols.postgres.words import Postgres
from harness.vocabulary import ANY_OUTCOME

__all__ = ["fail_write"]

WRITE_FAILED = EvidenceKind(
    "write_failed", "PostgreSQL", "the server's write was answered with the error, and its log has what it made of that"
)
_LOST_LOG = r"^.*state=(?:58030|53100) PANIC:  (?P<said>.*)$"
_NOT_LONGER = r"^.*user={user} .*state=(?:58030|53100) ERROR:  (?P<said>.*)$"


@dataclass(frozen=True, repr=False)
class FailWrite(TimedFault, kind="server.fail_write"):
    """PostgreSQL's writes fail: a write of its log once, after which it panics; writes of a table until healed.

    For example::

        async with lab.inject(server.fail_write(postgres, at=postgres.sent("COMMIT"))):
            await lab.deliver()

    Without a table a session of the service cannot write the log (WAL) of its COMMIT. PostgreSQL panics (58030, or
    53100 for ENOSPC), ends every session, and recovers. Unlike after `server.fail_sync` that delivery is not stored:
    its record is not in the log. With a table, each new row needs a new page, and the table's file cannot grow: the
    statement gets 58030 or 53100, its transaction is rolled back, and the session continues. Reads still work, and so
    does a small row that finds room.

    The harness answers `pwrite`, `pwritev` and `fallocate` in the kernel's place (seccomp_unotify(2)). Only this fault
    pays for that. So the server is restarted when the fault is injected, before it strikes, and again when it is
    healed; the service's idle connections end both times.

    Args:
        link: the link to the PostgreSQL server.
        table: the table that cannot grow: letters, digits and underscores. None: the log.
        errno: the error, by its name: "EIO" or "ENOSPC".
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `table` is not such a name, or `errno` is something else.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"seccomp"})
    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (WRITE_FAILED,)
    link: Postgres
    table: str | None = None
    errno: DiskErrno = field(default="EIO", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.table is not None:
            plain_table(self.kind, self.table)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The first COMMIT meets the fault. Until the server has recovered, others may be refused."""
        return Example(cls(ground.link_as(Postgres)), deliveries=SOME, expect=ANY_OUTCOME)

    def effect(self) -> str:
        """What the server cannot write."""
        if self.table is None:
            return f"answer a write of PostgreSQL's log with {self.errno}"
        return f"answer writes that make {self.table} longer with {self.errno}"

    def injection(self, site: Site) -> Injection:
        """Watch the server's writes, and answer them."""
        return _FailWrite(self, site)


class _FailWrite(Injection):
    def __init__(self, fault: FailWrite, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._laid = site.laid(fault.link)
        self._server = cast("PostgresServer", site.servers[self._laid.server])
        self._change = ServerChange(self._laid.server, fault, may_end_it=False)
        self._refusing = RefusedWhenEnded(self._server, site)
        self._pages = None if fault.table is None else FullPages(fault, fault.table, self._laid, site)
        self._log_mark = 0
        self._rule: FileRule | None = None
        self._changed = self._healed = False

    async def prepare(self) -> None:
        """Watch the server's writes, and make the table's next row need a page."""
        if self._changed:
            return
        self._changed = True
        self._site.server_changes.append(self._change)
        self._server.watch(*SYNC_CALLS, *WRITE_CALLS)
        await self._restart()
        if self._pages is not None:
            await self._pages.begin()

    async def _restart(self) -> None:
        self._refusing.begin()
        await asyncio.to_thread(self._server.stop)
        await asyncio.to_thread(self._server.start_again)
        await self._refusing.end()

    async def act(self) -> None:
        await self.prepare()
        self._rule = FileRule(
            id=f"{self._fault}-{id(self)}",
            calls=WRITE_CALLS,
            folder=str((self._server.data / await self._folder()).resolve()),
            title=f"postgres: {self._laid.words['user']} ",
            errno=getattr(errno_numbers, self._fault.errno),
            times=1 if self._fault.table is None else None,
        )
        self._log_mark = self._server.log.size() if self._server.log else 0
        await asyncio.to_thread(self._server.answer_calls, self._rule)

    async def _folder(self) -> str:
        """The folder of the struck files, below the data directory."""
        if self._fault.table is None:
            return "pg_wal"
        async with open_session(self._laid.admin_url) as admin:
            oid = await admin.fetchval("SELECT oid FROM pg_database WHERE datname = current_database()")
        return f"base/{oid}"

    def _told(self) -> Sequence[re.Match[str]]:
        """The server's own log lines about it."""
        written = self._server.log.read(self._log_mark) if self._server.log and self._rule is not None else ""
        user = re.escape(self._laid.words["user"])
        line = _LOST_LOG if self._fault.table is None else _NOT_LONGER.format(user=user)
        return list(re.finditer(line, written, re.MULTILINE))

    async def fired(self) -> int:
        """How many statements met it; for the log, 1 when the server has panicked."""
        return len(self._told())

    async def _answered(self) -> list[SyscallEvent]:
        calls = await asyncio.to_thread(self._server.answered_calls)
        return [call for call in calls if self._rule is not None and call.rule_id == self._rule.id]

    async def heal(self) -> None:
        """Stop answering, restart the server without the watch, and record the evidence, once."""
        if not self._changed or self._healed:
            return
        self._healed = True
        answered, told = await self._answered(), self._told()
        await asyncio.to_thread(self._server.answer_calls)
        if not await poll_async(self._serves, within_s=BACK_WITHIN_S):
            raise HarnessError(f"{self._laid.server} has not recovered {BACK_WITHIN_S:g} s after a failed write")
        if self._pages is not None:
            await self._pages.end()
        self._server.watch(*SYNC_CALLS)
        await self._restart()
        self._change.mended = True
        if answered and told:
            self._bear_witness(answered, told)

    def _bear_witness(self, answered: Sequence[SyscallEvent], told: Sequence[re.Match[str]]) -> None:
        call = answered[0]
        detail = (
            f"{len(answered)} calls answered, the first {call.call}() of process {call.pid} on {call.path},"
            f" {self._fault.errno}; the server said {len(told)} times: {told[0]['said']}"
        )
        self._site.saw(WRITE_FAILED, detail, server=self._laid)

    async def _serves(self) -> bool:
        return await serves(self._laid.admin_url)


fail_write = FailWrite
