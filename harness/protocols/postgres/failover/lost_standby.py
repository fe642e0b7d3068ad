"""The fault of a lost synchronous standby: the primary no longer answers any COMMIT."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import ClassVar, cast

from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.fault import Injection
from harness.faults.messages.timing import TimedFault
from harness.faults.site import ServerChange, Site
from harness.protocols.postgres.failover.standby import Standby
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.postgres.words import Postgres

COMMITS_WAITED = EvidenceKind(
    "commits_waited", "PostgreSQL", "COMMITs of the service waited for the standby (`SyncRep`), or gave up waiting"
)
CANCELLED = r"cancel(?:ing|l?ed) (?:the )?wait for synchronous replication"


@dataclass(frozen=True, repr=False)
class LoseStandby(TimedFault, kind="server.lose_standby"):
    """PostgreSQL loses its synchronous standby: no COMMIT is answered until healed.

    For example::

        async with lab.inject(server.lose_standby(postgres)):
            await lab.deliver(expect=REFUSED | UNKNOWN)

    The standby is created when the fault is injected, and killed when it strikes. A waiting transaction has already
    committed on the primary; others see it only when its wait is over, or cancelled ("Synchronous Replication" in
    PostgreSQL's manual). `statement_timeout` does not end such a wait; a cancel request of the client does. After
    healing, the primary continues without a standby, as after an operator's decision, and every waiting COMMIT is
    answered.

    Args:
        link: the link to the PostgreSQL server.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    does: ClassVar[str] = "kill the synchronous standby of {fault.link}"
    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (COMMITS_WAITED,)
    link: Postgres

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """It delays a delivery."""
        return Example(cls(ground.link_as(Postgres)), met="until met")

    def injection(self, site: Site) -> Injection:
        """Create the standby, kill it, and continue without it when healed."""
        return _LoseStandby(self, site)


class _LoseStandby(Injection):
    def __init__(self, fault: LoseStandby, site: Site) -> None:
        self._site = site
        self._laid = site.laid(fault.link)
        self._server = cast("PostgresServer", site.servers[self._laid.server])
        self._change = ServerChange(self._laid.server, fault, may_end_it=False)
        self._standby: Standby | None = None
        self._log_mark: int | None = None
        self._waiting: set[int] = set()

    async def prepare(self) -> None:
        if self._standby is None:
            self._site.server_changes.append(self._change)
            self._standby = await asyncio.to_thread(Standby, self._server)

    async def act(self) -> None:
        await self.prepare()
        if self._standby is None:
            raise AssertionError("prepare() has made it")
        self._log_mark = self._laid.log.size() if self._laid.log else 0
        await asyncio.to_thread(self._standby.lose)

    async def fired(self) -> int:
        """How many sessions of the service are waiting or have waited for the standby."""
        if self._log_mark is None:
            return 0
        sql = "SELECT pid FROM pg_stat_activity WHERE usename = $1 AND wait_event = 'SyncRep'"
        async with open_session(self._laid.admin_url) as asking:
            self._waiting |= {row["pid"] for row in await asking.fetch(sql, self._laid.words["user"])}
        return len(self._waiting | self._gave_up(self._log_mark))

    def _gave_up(self, mark: int) -> set[int]:
        if self._laid.log is None:
            return set()
        mine = re.escape(self._laid.words["user"])
        line = re.compile(rf"\[(\d+)\] user={mine} .*{CANCELLED}")
        return {int(found[1]) for text in self._laid.log.read(mark).splitlines() if (found := line.search(text))}

    async def heal(self) -> None:
        """Let the primary continue alone; record who waited, once."""
        if self._standby is None:
            return
        waited = await self.fired()
        self._log_mark = None
        standby, self._standby = self._standby, None
        if waited:
            detail = f"COMMITs in {waited} of the service's sessions waited for the standby"
            self._site.saw(COMMITS_WAITED, detail, server=self._laid)
        await asyncio.to_thread(standby.close)
        self._change.mended = True


lose_standby = LoseStandby

__all__ = ["lose_standby"]
