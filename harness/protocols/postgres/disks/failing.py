"""The fault of a failing disk: PostgreSQL's `fsync` returns an error."""

from __future__ import annotations

import asyncio
import errno as errno_numbers
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias, cast

import asyncpg
import psutil

from harness.errors import HarnessError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Injection, Need
from harness.faults.messages.timing import TimedFault
from harness.faults.site import LaidLink, ServerChange, Site
from harness.polling import poll_async
from harness.processes.syscalls import FileRule, SyscallEvent
from harness.protocols.postgres.disks.refused_connects import RefusedWhenEnded
from harness.protocols.postgres.probes import serves
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.server import SYNC_CALLS, PostgresServer
from harness.protocols.postgres.terminated_sessions import see_ended, serving
from harness.protocols.postgres.words import Postgres
from harness.vocabulary import ANY_OUTCOME

__all__ = ["fail_sync"]

Synced: TypeAlias = Literal["log", "tables"]
DiskErrno: TypeAlias = Literal["EIO", "ENOSPC"]
IN_FORCE_WITHIN_S = 30.0
BACK_WITHIN_S = 30.0
"""Far more than a recovery of the harness's small databases takes."""
SYNC_FAILED = EvidenceKind(
    "sync_failed", "PostgreSQL", "the server's fsync was answered with the error, and by its log it panicked (PANIC)"
)
_PANIC = re.compile(r"^.*\[(?P<pid>\d+)\] .*state=(?:58030|53100) PANIC:  (?P<said>.*)$", re.MULTILINE)
_ON = "SELECT current_setting('fsync') = 'on' AND current_setting('restart_after_crash')::bool = $1"


@dataclass(frozen=True, repr=False)
class FailSync(TimedFault, kind="server.fail_sync"):
    """PostgreSQL's `fsync` fails, once: the disk does not confirm that it has the written data. The server panics.

    For example::

        async with lab.inject(server.fail_sync(postgres, at=postgres.sent("COMMIT"))):
            await lab.deliver()

    After a failed fsync it is unknown which data the disk has ("data_sync_retry" in PostgreSQL's manual). So the server
    ends every session and recovers from its log. The session that met it gets a PANIC (58030, or 53100 for ENOSPC) in
    place of an answer to its COMMIT. The COMMIT is still stored: its record was written, and the machine did not crash.
    So after an error at a COMMIT, or a lost connection, the row may be stored.

    The harness answers `fsync` and `fdatasync` in the kernel's place (seccomp_unotify(2)), and turns on PostgreSQL's
    own setting `fsync` while the fault is in force.

    Args:
        link: the link to the PostgreSQL server.
        of: "log": when a session of the service syncs the log (WAL), at a COMMIT. "tables": when a checkpoint, for
            which the harness asks, syncs the tables.
        errno: the error, by its name: "EIO" or "ENOSPC".
        comes_back: whether the server recovers by itself. If not (`restart_after_crash = off`, as under a supervisor),
            it ends, connects are refused, and healing starts it again.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `of` or `errno` is something else.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"seccomp"})
    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (SYNC_FAILED,)
    link: Postgres
    of: Synced = field(default="log", kw_only=True)
    errno: DiskErrno = field(default="EIO", kw_only=True)
    comes_back: bool = field(default=True, kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The first COMMIT meets the fault. Until the server has recovered, others may be refused."""
        return Example(cls(ground.link_as(Postgres)), deliveries=SOME, expect=ANY_OUTCOME)

    def effect(self) -> str:
        """What fails, and whether the server recovers by itself."""
        away = "" if self.comes_back else ", so that it ends"
        return f"answer an fsync of PostgreSQL's {self.of} with {self.errno}{away}"

    def injection(self, site: Site) -> Injection:
        """Answer the next one."""
        return _FailSync(self, site)


class _FailSync(Injection):
    def __init__(self, fault: FailSync, site: Site) -> None:
        self._fault = fault
        self._site = site
        laid = self._laid
        self._server = cast("PostgresServer", site.servers[laid.server])
        self._change = ServerChange(laid.server, fault, may_end_it=not fault.comes_back)
        self._refusing = RefusedWhenEnded(self._server, site)
        self._log_mark = 0
        self._rule: FileRule | None = None
        self._changed = self._healed = False

    @property
    def _laid(self) -> LaidLink:
        return self._site.laid(self._fault.link)

    async def prepare(self) -> None:
        """Make the server call `fsync` at all."""
        if self._changed:
            return
        self._changed = True
        self._site.server_changes.append(self._change)
        async with open_session(self._laid.admin_url) as admin:
            for name, value in self._settings.items():
                await admin.execute(f"ALTER SYSTEM SET {name} = {value}")
            await admin.execute("SELECT pg_reload_conf()")
        # A session that starts with it was forked after the postmaster had informed all others.
        if not await poll_async(self._is_set, within_s=IN_FORCE_WITHIN_S):
            raise HarnessError(f"{self._laid.server} has not read its settings again in {IN_FORCE_WITHIN_S:g} s")

    @property
    def _settings(self) -> Mapping[str, str]:
        """The settings while the fault is in force. Without the last one, a recovery would sync every single file."""
        return {
            "fsync": "on",
            "restart_after_crash": "on" if self._fault.comes_back else "off",
            "recovery_init_sync_method": "syncfs",
        }

    async def _is_set(self) -> bool:
        async with open_session(self._laid.admin_url) as admin:
            return bool(await admin.fetchval(_ON, self._fault.comes_back))

    async def act(self) -> None:
        await self.prepare()
        of_the_log = self._fault.of == "log"
        self._rule = FileRule(
            id=f"{self._fault}-{id(self)}",
            calls=SYNC_CALLS,
            folder=str((self._server.data / ("pg_wal" if of_the_log else "base")).resolve()),
            title=f"postgres: {self._laid.words['user']} " if of_the_log else "postgres: checkpointer",
            errno=getattr(errno_numbers, self._fault.errno),
            times=1,
        )
        self._log_mark = self._server.log.size() if self._server.log else 0
        if not self._fault.comes_back:
            self._refusing.begin()
        await asyncio.to_thread(self._server.answer_calls, self._rule)
        if not of_the_log:
            await self._checkpoint()

    async def _checkpoint(self) -> None:
        """Ask for a checkpoint.

        Return when the server has panicked in it, and serves no session of the service any more.
        """
        backends: Sequence[psutil.Process] = []
        try:
            async with open_session(self._laid.admin_url) as admin:
                backends = await serving(admin, self._laid.words["user"])
                await admin.execute("CHECKPOINT")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            # The harness's session ends with all others, and not as the last.
            if self._panic() is not None:
                await see_ended(backends, self._laid.server)

    def _panic(self) -> re.Match[str] | None:
        """The line of the server's log, if it has panicked since."""
        written = self._server.log.read(self._log_mark) if self._server.log else ""
        return _PANIC.search(written)

    async def fired(self) -> int:
        """1 when the server has panicked."""
        return 1 if self._rule is not None and self._panic() is not None else 0

    async def _answered(self) -> list[SyscallEvent]:
        if self._rule is None:
            return []
        rule_id = self._rule.id
        calls = await asyncio.to_thread(self._server.answered_calls)
        return [call for call in calls if call.rule_id == rule_id]

    async def heal(self) -> None:
        """Stop answering, restore the server with its earlier settings, and record the evidence, once."""
        if not self._changed or self._healed:
            return
        self._healed = True
        answered = await self._answered()
        await asyncio.to_thread(self._server.answer_calls)
        await self._see_it_back()
        async with open_session(self._laid.admin_url) as admin:
            for name in self._settings:
                await admin.execute(f"ALTER SYSTEM RESET {name}")
            await admin.execute("SELECT pg_reload_conf()")
        self._change.mended = True
        self._bear_witness(answered)

    def _bear_witness(self, answered: list[SyscallEvent]) -> None:
        panic = self._panic() if answered else None
        if panic is None:
            return
        call = answered[0]
        detail = (
            f"{len(answered)} call answered: {call.call}() of process {call.pid} on {call.path}, {self._fault.errno};"
            f" process {panic['pid']} said: PANIC: {panic['said']}"
        )
        self._site.saw(SYNC_FAILED, detail, server=self._laid)

    async def _see_it_back(self) -> None:
        if self._rule is not None and not self._fault.comes_back:
            await asyncio.to_thread(self._start_again)
            await self._refusing.end()
        elif not await poll_async(self._serves, within_s=BACK_WITHIN_S):
            raise HarnessError(f"{self._laid.server} has not recovered {BACK_WITHIN_S:g} s after a failed fsync")

    def _start_again(self) -> None:
        self._server.stop(how="immediate")  # if it still runs
        self._server.start_again()

    async def _serves(self) -> bool:
        return await serves(self._laid.admin_url)


fail_sync = FailSync
