"""The fault of a Redis that has failed over while clients still write to the former primary."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar, cast

from redis.asyncio import Redis as RedisClient
from redis.exceptions import RedisError

from harness.errors import HarnessError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Injection
from harness.faults.messages.timing import TimedFault
from harness.faults.site import ServerChange, Site
from harness.protocols.redis.failover.replication import in_step
from harness.protocols.redis.probes import client
from harness.protocols.redis.server import RedisServer
from harness.protocols.redis.words import Redis

__all__ = ["demote"]

DEMOTED_WRITTEN = EvidenceKind(
    "demoted_written", "Redis", "the demoted server answered READONLY: its own statistics count that (INFO)"
)
FOLLOWED = EvidenceKind(
    "new_connections_followed",
    "Redis",
    "the service used the promoted server: its own statistics count its connections (INFO)",
)


@dataclass(frozen=True, repr=False)
class Demote(TimedFault, kind="server.demote"):
    """Redis fails over: its replica is promoted, and it becomes that one's replica. Open connections stay.

    For example::

        async with lab.inject(server.demote(redis)):
            await lab.deliver(5)

    This is what Sentinel, or an operator, does with REPLICAOF. The replica has everything that was written, and accepts
    writes. The address leads new connections to it, as a name or a virtual IP does. A client that keeps its connection
    still asks the demoted one, which answers reads and refuses writes (READONLY). The fault creates the replica. After
    healing, the old one is the primary again, with everything that the other one has, and every connection leads to it.

    Args:
        link: the link to the Redis server. Every other link to the same server is struck, too.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    does: ClassVar[str] = "promote a replica of {fault.link}, which open connections do not follow"
    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (DEMOTED_WRITTEN, FOLLOWED)
    link: Redis

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Writes are refused on open connections and accepted on new ones."""
        return Example(cls(ground.link_as(Redis)), deliveries=SOME)

    def injection(self, site: Site) -> Injection:
        """Start the replica, promote it, and lead new connections to it."""
        return _Demote(self, site)


class _Demote(Injection):
    def __init__(self, fault: Demote, site: Site) -> None:
        self._site = site
        self._laid = site.laid(fault.link)
        self._server = cast("RedisServer", site.servers[self._laid.server])
        self._change = ServerChange(self._laid.server, fault, may_end_it=False)
        self._replica: RedisServer | None = None
        self._promoted = False
        self._refused_before = self._connected_before = 0

    async def prepare(self) -> None:
        if self._replica is not None:
            return
        self._site.server_changes.append(self._change)
        self._replica = await asyncio.to_thread(self._server.beside)
        async with client(self._replica.url()) as new:
            await new.replicaof(self._server.host, str(self._server.port))
        await in_step(self._server, self._replica)

    async def act(self) -> None:
        await self.prepare()
        if self._replica is None:
            raise AssertionError("prepare() has made it")
        async with client(self._replica.url()) as new, client(self._server.url()) as old:
            self._refused_before = await _refused(old)
            self._promoted = True  # from here on heal has to undo something
            await new.replicaof("NO", "ONE")
            await old.replicaof(self._replica.host, str(self._replica.port))
            await in_step(self._replica, self._server)
            self._connected_before = await _connected(new)
        await self._site.lead_new_connections(self._replica)

    async def fired(self) -> int:
        """How many writes the demoted server has refused, and how many connections the promoted one has had."""
        return sum(await self._counts())

    async def _counts(self) -> tuple[int, int]:
        """Refused writes, and connections without the one that asks."""
        if self._replica is None or not self._promoted:
            return 0, 0
        async with client(self._replica.url()) as new, client(self._server.url()) as old:
            return await _refused(old) - self._refused_before, await _connected(new) - self._connected_before - 1

    async def heal(self) -> None:
        """Record which server was used, once; make the old one the primary again, and end the other."""
        replica = self._replica
        if replica is None:
            return
        try:
            if self._promoted:
                await self._witness()
                await in_step(replica, self._server)
                async with client(self._server.url()) as old:
                    await old.replicaof("NO", "ONE")
        except (RedisError, OSError) as error:
            raise HarnessError(f"Redis cannot be failed back: {error}", hint="inject this fault alone") from error
        finally:
            self._replica, promoted, self._promoted = None, self._promoted, False
            if promoted:
                await self._site.relink(self._server)
            await asyncio.to_thread(replica.close)
        self._change.mended = True

    async def _witness(self) -> None:
        refused, connected = await self._counts()
        if refused > 0:
            self._site.saw(DEMOTED_WRITTEN, f"{refused} writes", server=self._laid)
        if connected > 0:
            self._site.saw(FOLLOWED, f"{connected} connections", server=self._laid)


async def _refused(old: RedisClient) -> int:
    return int((await old.info("errorstats")).get("errorstat_READONLY", {}).get("count", 0))


async def _connected(new: RedisClient) -> int:
    return int((await new.info("stats"))["total_connections_received"])


demote = Demote
