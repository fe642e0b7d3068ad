"""Faults of a Redis that Sentinel watches: Sentinel's presence, and its failover."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal, TypeAlias

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from harness.addresses import HostPort
from harness.errors import HarnessError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Injection, Need
from harness.faults.links.meter import LinkMeter
from harness.faults.messages.timing import TimedFault
from harness.faults.site import Site
from harness.polling import poll_async
from harness.protocols.redis.probes import client
from harness.protocols.redis.sentinel.server import DOWN_AFTER_MS, LOST_AFTER_MS, Sentinel
from harness.protocols.redis.sentinel.watch import Watch, watch_behind
from harness.protocols.redis.server import RedisServer
from harness.protocols.redis.words import Redis

__all__ = ["fail_over", "sentinel"]

How: TypeAlias = Literal["killed", "cut_off", "asked"]
DOES: Final[dict[How, str]] = {
    "killed": "kill the primary that Sentinel watches by {link}, and have it promote the replica",
    "cut_off": "cut Sentinel off from the primary that it watches by {link}, and have it promote the replica",
    "asked": "have the Sentinel on {link} promote the replica",
}
FAILS_OVER_WITHIN_S: Final = 60.0
"""Far more than the one or two seconds that it takes."""
NOT_OF_A_CLIENT: Final = frozenset(
    {
        "ping", "info", "publish", "subscribe", "client", "hello", "config", "multi", "exec", "slaveof", "replicaof",
        "psync", "replconf", "command", "role", "auth", "select", "quit", "reset",
    }
)  # fmt: skip
"""The commands that Sentinel, a replica and the harness itself send."""
WATCHED = EvidenceKind(
    "watched", "Redis", "Sentinel could promote the primary's replica, and the link led to Sentinel", felt=False
)
SENTINEL_ASKED = EvidenceKind("sentinel_asked", "kernel", "bytes of the service's moved on the link to Sentinel")
ELECTED_USED = EvidenceKind(
    "elected_used", "Redis", "the promoted server carried out the service's commands: its own statistics (INFO)"
)
FORMER_USED = EvidenceKind(
    "former_primary_used",
    "Redis",
    "the former primary went on carrying out the service's commands, or refused them: its own statistics (INFO)",
)
FORMER_DIALLED = EvidenceKind(
    "former_primary_dialled", "seccomp", "the service connected to the former primary, which was dead: refused"
)


@dataclass(frozen=True, repr=False)
class Watched(TimedFault, kind="server.sentinel"):
    """A Redis Sentinel watches the primary, of which there is a replica, and answers on its link.

    For example::

        sentinel = Redis("sentinel")
        async with lab.inject(server.sentinel(sentinel)):
            await lab.restart("REDIS_SENTINEL={sentinel.host}:{sentinel.port}")
            await lab.deliver(5)

    It is a real Sentinel, but it looks more often than in production: a primary that `server.fail_over` takes away is
    down after 250 ms. It calls the primary `cache`, and reports the servers' own addresses; the keeper redirects the
    service's connects to these through the relay. While the fault is in force, every other fault of Sentinel's link
    strikes Sentinel. When it is healed, the link leads to the primary again, which then has everything that a promoted
    replica stored.

    Args:
        link: a link with `sentinel_of` in the target description.
        at: when it strikes. At a message the relay holds that message until the fault has struck. At another moment it
            strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: when it is injected, if the link does not ask a Sentinel.
    """

    does: ClassVar[str] = "put a Sentinel behind {fault.link}, and a replica beside the server that it watches"
    needs: ClassVar[frozenset[Need]] = frozenset({"seccomp"})
    needs_own_server: ClassVar[bool] = True
    of_a_sentinel: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (SENTINEL_ASKED, WATCHED)
    link: Redis

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The service finds the primary through it."""
        return Example(cls(ground.link_as(Redis)), deliveries=SOME, restarted_with=ground.found_with)

    def injection(self, site: Site) -> Injection:
        """Start replica and Sentinel, and lead the link to this one."""
        return _Watched(self, site)


class _Watched(Injection):
    def __init__(self, fault: Watched, site: Site) -> None:
        self._site = site
        self._watch = Watch(site, fault, fault.link)
        self._meter = LinkMeter(site, fault.link)
        self._in_force = False

    async def prepare(self) -> None:
        await self._watch.make()

    async def act(self) -> None:
        sentinel = await self._watch.make()
        await self._meter.begin()
        self._in_force = True
        self._site.saw(WATCHED, f"Sentinel {sentinel.version} on port {sentinel.port}", server=self._watch.watched)

    async def fired(self) -> int:
        """How many of the service's connections to Sentinel have carried something."""
        return (await self._meter.read()).touched if self._in_force else 0

    async def heal(self) -> None:
        """Record whether it was asked, once; undo everything."""
        sentinel = self._watch.sentinel
        try:
            if self._in_force and sentinel is not None:
                self._in_force = False
                activity = await self._meter.end()
                if activity.touched:
                    self._site.saw(SENTINEL_ASKED, f"{activity}, to Sentinel {sentinel.version}")
        finally:
            await self._watch.give_up()


@dataclass(frozen=True, repr=False)
class FailOver(TimedFault, kind="server.fail_over"):
    """Sentinel fails over: it promotes the replica, and tells its clients so.

    For example::

        sentinel = Redis("sentinel")
        async with lab.inject(server.sentinel(sentinel)):
            await lab.restart("REDIS_SENTINEL={sentinel.host}:{sentinel.port}")
            async with lab.inject(server.fail_over(sentinel, how="killed")):
                await lab.deliver(5)

    The fault is injected when Sentinel reports the promoted server. Clients that do not ask Sentinel reach the former
    one, if it lives, or nothing. After healing, the former one is back, as the replica; the promoted one stays the
    primary until `server.sentinel` is healed.

    Args:
        link: a link behind which `server.sentinel` has put a Sentinel.
        how: "killed": the primary dies (SIGKILL). "cut_off": Sentinel and the replica cannot reach it, but the service
            can: a client that keeps its connection goes on writing to it, and these writes are lost. "asked": an
            operator asks Sentinel for a failover (SENTINEL FAILOVER); the former primary becomes the replica, and its
            clients' connections end.
        at: as of `server.sentinel`.

    Raises:
        UsageError: there is no such way; when it is injected, if there is no Sentinel behind the link.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"seccomp"})
    needs_own_server: ClassVar[bool] = True
    of_a_sentinel: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (ELECTED_USED, FORMER_USED, FORMER_DIALLED)
    link: Redis
    how: How = field(kw_only=True)

    def effect(self) -> str:
        """What happens to the primary, and that the replica is promoted."""
        return DOES[self.how].format(link=self.link)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The primary dies, and the service finds the promoted one."""
        link = ground.link_as(Redis)
        fault = cls(link, how="killed")
        return Example(fault, before=(Watched(link),), deliveries=SOME, restarted_with=ground.found_with)

    def injection(self, site: Site) -> Injection:
        """Make Sentinel fail over."""
        return _FailOver(self, site)


class _FailOver(Injection):
    def __init__(self, fault: FailOver, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._watch = watch_behind(site, fault.link, fault.kind)
        self._begun = False
        self._took_s = 0.0
        self._used_before: tuple[int, int] | None = None
        """The counts of the promoted server and the former one, taken after the promotion."""

    async def act(self) -> None:
        """Begin the failover. Return when Sentinel reports the promoted server."""
        watch = self._watch
        replica, sentinel = _running(watch)
        began = time.monotonic()
        self._begun = True
        if self._fault.how == "asked":
            await sentinel.fail_over()
        else:
            await sentinel.notice_after(LOST_AFTER_MS)
            await self._lose_primary()
        await _until(sentinel, replica.address)
        await sentinel.notice_after(DOWN_AFTER_MS)
        await _until(sentinel, replica.address)  # it may have missed a reply in between
        await watch.follow(former_lives=self._fault.how != "killed")
        if self._fault.how == "asked":
            await _until_demoted(watch.primary)
        self._took_s = time.monotonic() - began
        self._used_before = await self._used()

    async def _lose_primary(self) -> None:
        if self._fault.how == "killed":
            self._watch.change.may_end_it = True
            await asyncio.to_thread(self._watch.primary.crash)
        await self._watch.reach_primary(whether=False)

    async def _used(self) -> tuple[int, int]:
        replica, _ = _running(self._watch)
        former = 0 if self._fault.how == "killed" else await _commands(self._watch.primary)
        return await _commands(replica), former

    async def fired(self) -> int:
        """How many of the service's commands both servers have carried out since, and its connects to a dead one."""
        return sum(await self._since()) + self._watch.refused()

    async def _since(self) -> tuple[int, int]:
        if self._used_before is None or self._watch.replica is None:
            return 0, 0
        promoted, former = await self._used()
        return promoted - self._used_before[0], former - self._used_before[1]

    async def heal(self) -> None:
        """Record which of the two was used, once; bring the former one back."""
        if not self._begun:
            return
        self._begun = False
        try:
            promoted, former = await self._since()
        except (RedisError, OSError) as error:
            raise HarnessError(f"Redis does not report which server was used: {error}") from error
        finally:
            self._used_before, dialled = None, self._watch.refused()
            await self._bring_back()
        if promoted > 0:
            detail = f"{promoted} commands, after a failover of {self._took_s:.1f} s"
            self._site.saw(ELECTED_USED, detail, server=self._watch.watched)
        if former > 0:
            self._site.saw(FORMER_USED, f"{former} commands", server=self._watch.watched)
        if dialled:
            self._site.saw(FORMER_DIALLED, f"{dialled} connects")

    async def _bring_back(self) -> None:
        if self._watch.sentinel is None:
            return  # `server.sentinel` was healed first, and has undone all
        await asyncio.to_thread(self._watch.primary.start_again)
        await self._watch.reach_primary(whether=True)


def _running(watch: Watch) -> tuple[RedisServer, Sentinel]:
    if watch.replica is None or watch.sentinel is None:
        raise HarnessError("server.sentinel was healed before server.fail_over", hint="heal the latter first")
    return watch.replica, watch.sentinel


async def _until(sentinel: Sentinel, promoted: HostPort) -> None:
    async def tells() -> bool:
        return (await sentinel.primary()).port == promoted.port and await sentinel.reports_the_primary_up()

    if not await poll_async(tells, within_s=FAILS_OVER_WITHIN_S):
        problem = f"Sentinel has not failed over within {FAILS_OVER_WITHIN_S:g} s"
        raise HarnessError(problem, hint="see its log for the reason")


async def _until_demoted(former: RedisServer) -> None:
    async def demoted() -> bool:
        try:
            async with client(former.url()) as asking:
                return bool((await asking.info("replication"))["role"] == "slave")
        except RedisConnectionError:  # Sentinel ends all clients' connections with it
            return False

    if not await poll_async(demoted, within_s=FAILS_OVER_WITHIN_S):
        raise HarnessError("the former primary was not made a replica", hint="see Sentinel's log for the reason")


async def _commands(server: RedisServer) -> int:
    """How many commands clients have sent to it, including the ones that it refused."""
    async with client(server.url()) as asking:
        statistics = await asking.info("commandstats")
    counts = {name.removeprefix("cmdstat_").partition("|")[0]: 0 for name in statistics}
    for name, each in statistics.items():
        counts[name.removeprefix("cmdstat_").partition("|")[0]] += each["calls"] + each.get("rejected_calls", 0)
    return sum(count for name, count in counts.items() if name not in NOT_OF_A_CLIENT)


sentinel, fail_over = Watched, FailOver
