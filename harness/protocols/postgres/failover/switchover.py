"""The fault of two primaries: the standby is promoted, and the old primary stays alive."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import time
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias, cast

from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Injection
from harness.faults.messages.timing import TimedFault
from harness.faults.site import ServerChange, Site
from harness.history.events import FailedOver, StoredRow
from harness.processes.keeper import LogFile
from harness.protocols.postgres.failover.promotion import ROWS_LACKED
from harness.protocols.postgres.failover.rows import missing, stored_on, stored_on_ended
from harness.protocols.postgres.failover.standby import Standby, StandbyKind
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.server import Copy, PostgresServer
from harness.protocols.postgres.words import Postgres
from harness.vocabulary import ANY_OUTCOME

OldPrimary: TypeAlias = Literal["writable", "read_only"]
"""Whether the old primary continues as before, or its sessions become read-only (25006)."""
OLD_PRIMARY_USED = EvidenceKind(
    "old_primary_used", "PostgreSQL", "the service used connections to the old primary after another was promoted"
)


@dataclass(frozen=True, repr=False)
class SwitchOver(TimedFault, kind="server.switch_over"):
    """PostgreSQL's standby is promoted while the old primary lives on. Open connections stay there, new ones do not.

    For example::

        async with lab.inject(server.switch_over(postgres, old="read_only")):
            await lab.deliver(5)

    From then on the address leads to the new primary, but a pool keeps using its connections to the old one. A writable
    old primary is a split brain. If the standby was synchronous, it can acknowledge nothing more, because its COMMITs
    wait for a standby that is gone. If the standby was asynchronous, it acknowledges deliveries that are lost when it
    ends; they are counted (`service.rows_lost`, and the figure `acknowledged_by_old_primary`). When healed, the old
    primary is killed.

    Args:
        link: the link to the PostgreSQL server. Every other link to the same server is switched over, too.
        standby: as of `server.promote`.
        old: "writable" or "read_only".
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (OLD_PRIMARY_USED, ROWS_LACKED)
    link: Postgres
    standby: StandbyKind = field(default="synchronous", kw_only=True)
    old: OldPrimary = field(default="writable", kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The old one refuses every INSERT, so deliveries that meet it may be refused."""
        return Example(cls(ground.link_as(Postgres), old="read_only"), deliveries=SOME, expect=ANY_OUTCOME)

    def effect(self) -> str:
        """What it does, and what happens to the old one."""
        left = "lives on" if self.old == "writable" else "only reads from now on"
        return f"promote the {self.standby} standby of {self.link} while the old primary {left}"

    def injection(self, site: Site) -> Injection:
        """Promote the standby, and lead new connections to it; when healed, kill the old primary."""
        return _SwitchOver(self, site)


class _SwitchOver(Injection):
    def __init__(self, fault: SwitchOver, site: Site) -> None:
        self._fault = fault
        self._site = site
        laid = site.laid(fault.link)
        self._server = cast("PostgresServer", site.servers[laid.server])
        self._user = laid.words["user"]
        self._log: LogFile | None = laid.log
        self._change = ServerChange(laid.server, fault, may_end_it=False)
        self._standby: Standby | None = None
        self._old: Copy | None = None
        self._promoted_ns = self._log_mark = 0
        self._promoted_at = dt.datetime.now(dt.UTC)

    async def prepare(self) -> None:
        if self._standby is None:
            self._site.server_changes.append(self._change)
            self._standby = await asyncio.to_thread(Standby, self._server, self._fault.standby)

    async def act(self) -> None:
        await self.prepare()
        if self._standby is None:
            raise AssertionError("prepare() has made it")
        self._log_mark = self._log.size() if self._log else 0
        if self._fault.old == "read_only":
            await self._standby.fence_primary()
        await asyncio.to_thread(self._standby.promote)
        self._promoted_ns, self._promoted_at = time.monotonic_ns(), dt.datetime.now(dt.UTC)
        self._old = self._standby.former
        await self._site.lead_new_connections(self._server)

    async def fired(self) -> int:
        """How many of the old primary's sessions the service has used since, or how many statements it refused."""
        return 0 if self._old is None else await self._used(self._old)

    async def _used(self, old: Copy) -> int:
        if self._fault.old == "read_only":
            line = rf"user={re.escape(self._user)} .*state=25006"
            return len(re.findall(line, self._log.read(self._log_mark))) if self._log else 0
        sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND query_start > $2"
        async with open_session(old.url) as asking:
            return int(await asking.fetchval(sql, self._user, self._promoted_at))

    async def heal(self) -> None:
        """Kill the old primary, lead every connection to the new one, and compare the rows of both, once."""
        standby, self._standby = self._standby, None
        if standby is None:
            return
        old, self._old = self._old, None
        if old is None:
            await asyncio.to_thread(standby.close)
        else:
            await self._end(old, standby)
        self._change.mended = True

    async def _end(self, old: Copy, standby: Standby) -> None:
        used = await self._used(old)
        await asyncio.to_thread(old.run.crash)
        alone_ns = time.monotonic_ns()
        lacked = await self._lacked(old)
        await self._site.relink(self._server)
        if used:
            what = "statements refused there (25006)" if self._fault.old == "read_only" else "sessions used there"
            self._site.saw(OLD_PRIMARY_USED, f"{used} {what}", server=self._site.laid(self._fault.link))
        if used and lacked:
            self._site.saw(ROWS_LACKED, f"{len(lacked)} rows, the first {lacked[0].id}")
        served_on_ms, promotion_ms = round((alone_ns - self._promoted_ns) / 1e6, 1), round(standby.promotion_ms, 1)
        event = FailedOver(self._server.name, self._fault.standby, 0.0, promotion_ms, lacked, served_on_ms)
        self._site.failed_over(event, alone_ns)

    async def _lacked(self, old: Copy) -> tuple[StoredRow, ...] | None:
        laid = self._site.laid(self._fault.link)
        now = await stored_on(laid)
        return None if now is None else missing(await stored_on_ended(laid, old), now)


switch_over = SwitchOver

__all__ = ["switch_over"]
