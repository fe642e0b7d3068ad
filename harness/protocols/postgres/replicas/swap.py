"""The fault of a failover without a change of addresses: the standby becomes the primary at its own address."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.fault import Injection
from harness.faults.links.meter import LinkMeter
from harness.faults.site import LaidLink, ServerChange, Site
from harness.history.events import FailedOver
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.replicas.replica_link import Replica, ReplicaFault
from harness.protocols.postgres.server import Copy
from harness.protocols.postgres.words import Postgres
from harness.relay import Ended, Report
from harness.vocabulary import ANY_OUTCOME

Former: TypeAlias = Literal["follows", "killed"]
"""What happens to the old primary: it follows the new one at its own address, or is gone."""
FORMERS: tuple[Former, ...] = ("follows", "killed")
NEW_PRIMARY_USED = EvidenceKind(
    "new_primary_used", "PostgreSQL", "the service had sessions at the new primary, whose address it had to find"
)
PRIMARY_NOT_FOUND = EvidenceKind(
    "primary_not_found", "relay", "the service had no session at the new primary, and asked at the old address"
)


@dataclass(frozen=True, repr=False)
class Swap(ReplicaFault, kind="server.swap"):
    """The standby that the service reads becomes the primary, and addresses stay: the service has to find it.

    For example::

        replica = Postgres("replica")
        async with lab.inject(server.swap(replica)):
            await lab.deliver(5)

    Each link keeps leading to the same server. The old primary is shut down in an orderly way, so that the standby has
    everything, and then follows the new one: the link for writes leads to a read-only server, and the link for reads to
    the primary. With `former="killed"` the old primary gets SIGKILL and stays away. The fault creates the standby, as
    `server.standby` does, but a synchronous one: no acknowledged delivery may be lost. When healed, the old one is
    stopped, and both links lead to the new primary.

    Args:
        link: a link with `replica_of` in the target description.
        former: "follows" or "killed".
        at: as of `server.standby`.

    Raises:
        UsageError: `former` is something else; or, when it is injected, the link reads no replica.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (NEW_PRIMARY_USED, PRIMARY_NOT_FOUND)
    former: Former = field(default="follows", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.former not in FORMERS:
            raise UsageError.at(self.kind, "former", self.former, "no such result", valid=FORMERS)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Deliveries that come before the service finds the new primary may be refused."""
        return Example(cls(ground.link_as(Postgres)), restarted_with=ground.read_with, expect=ANY_OUTCOME)

    def effect(self) -> str:
        """What it does, and what happens to the old primary."""
        end = "follows it" if self.former == "follows" else "is killed"
        return f"make the standby behind {self.link} the primary at its own address, while the old one {end}"

    def injection(self, site: Site) -> Injection:
        """Create the standby, end the primary, promote the standby."""
        return _Swap(self, site)


class _Swap(Injection):
    def __init__(self, fault: Swap, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._replica = Replica(site, fault, fault.link, kind="synchronous")
        self._change = ServerChange(self._replica.followed.server, fault, may_end_it=False)
        self._old = _OldAddress(site, self._replica.followed)
        self._made = False
        self._promoted_at: dt.datetime | None = None

    async def prepare(self) -> None:
        if not self._made:
            self._made = True
            self._site.server_changes.append(self._change)
            await self._replica.make()

    async def act(self) -> None:
        await self.prepare()
        standby, primary = self._replica.standby, self._replica.primary
        await self._old.begin()
        await asyncio.to_thread(primary.stop if self._fault.former == "follows" else primary.crash)
        ended = time.monotonic()
        await asyncio.to_thread(standby.promote)
        self._promoted_at, took_over = dt.datetime.now(dt.UTC), time.monotonic()
        if self._fault.former == "follows":
            await asyncio.to_thread(standby.rewind_former)
        away_ms, promotion_ms = round((took_over - ended) * 1e3, 1), round(standby.promotion_ms, 1)
        self._site.failed_over(FailedOver(primary.name, "synchronous", away_ms, promotion_ms), time.monotonic_ns())

    async def fired(self) -> int:
        """How many sessions the service has had at the new primary; if none, how often it tried the old address."""
        return (await self._used() or await self._old.asked()) if self._promoted_at is not None else 0

    async def _used(self) -> int:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND query_start > $2"
        async with open_session(self._replica.followed.own.admin_url) as asking:
            return int(await asking.fetchval(sql, self._replica.followed.words["user"], self._promoted_at))

    async def heal(self) -> None:
        """Record who found the new primary; stop the old one, and lead both links to the new one."""
        if not self._made:
            return
        self._made = False
        async with AsyncExitStack() as owed:  # each is done, even if an earlier one failed
            if self._promoted_at is not None:
                owed.push_async_callback(self._stop, self._replica.standby.former)
            owed.push_async_callback(self._replica.give_up)
            if self._promoted_at is not None:
                owed.push_async_callback(self._site.relink, self._replica.primary)
                owed.push_async_callback(self._old.end)
                await self._witness()
        self._promoted_at = None
        self._change.mended = True

    async def _stop(self, former: Copy | None) -> None:
        if former is not None:
            await asyncio.to_thread(former.stop)

    async def _witness(self) -> None:
        used, asked = await self._used(), await self._old.asked()
        if used:
            self._site.saw(NEW_PRIMARY_USED, f"{used} sessions of the service's", server=self._replica.laid)
        elif asked:
            self._site.saw(PRIMARY_NOT_FOUND, f"{asked} times on port {self._replica.followed.port}")


class _OldAddress:
    """Counts the service's requests to the old primary's address. The end of an idle connection does not count."""

    def __init__(self, site: Site, laid: LaidLink) -> None:
        self._site = site
        self._hop = laid.hop
        self._meter = LinkMeter(site, laid.link)
        self._unanswered = 0
        self._leave: Callable[[], None] = lambda: None

    async def begin(self) -> None:
        """Count from now on, before the old primary ends.

        No connection outlives it, so later requests need a connect.
        """
        self._leave = self._site.relay.on_report(self._heard)
        await self._meter.begin()

    def _heard(self, report: Report) -> None:
        if isinstance(report, Ended) and report.hop == self._hop and report.direction_due == "answered":
            self._unanswered += 1

    async def asked(self) -> int:
        """The number of connects, and of requests without an answer."""
        await self._site.relay.sync()
        activity = await self._meter.read()
        return self._unanswered + activity.accepted + activity.refused

    async def end(self) -> None:
        """Stop counting."""
        self._leave()
        await self._meter.end()


swap = Swap

__all__ = ["swap"]
