"""A Sentinel behind a link, with a replica of the server that it watches.

A fault creates both, and ends them when healed.

Sentinel tells its clients the servers' own addresses. The service's connects to these are redirected to the relay's
port for that server's link, so that the relay sees them as usual. The primary's address is a proxy of Toxiproxy, so
that Sentinel and the replica can be cut off from it while the service is not.
"""

from __future__ import annotations

import asyncio
import errno
from typing import cast

from redis.exceptions import RedisError

from harness.addresses import HostPort
from harness.errors import HarnessError, UsageError
from harness.faults.messages.timing import TimedFault
from harness.faults.site import LaidLink, ServerChange, Site
from harness.processes.syscalls import ConnectRule, LeadRule, Rule
from harness.protocols.redis.failover.replication import in_step
from harness.protocols.redis.probes import client
from harness.protocols.redis.sentinel.server import Sentinel
from harness.protocols.redis.server import RedisServer
from harness.vocabulary import Link

__all__ = ["Watch", "watch_behind"]


class Watch:
    """Puts a Sentinel behind a link. `primary`: the server that it watches at first; `replica`: its replica."""

    def __init__(self, site: Site, fault: TimedFault, link: Link) -> None:
        """Raises UsageError if the link does not ask a Sentinel."""
        self._site = site
        self._link = link
        self._before = site.laid(link)
        self.watched = _watched(site, self._before, fault)
        self.primary = cast("RedisServer", site.servers[self.watched.server])
        self.change = ServerChange(self.watched.server, fault, may_end_it=False)
        self.sentinel: Sentinel | None = None
        self.replica: RedisServer | None = None
        self.seen_at: HostPort | None = None
        """The primary's address, as Sentinel knows it."""
        self._rules: list[Rule] = []
        self._led_elsewhere = False

    @property
    def proxy(self) -> str:
        """Toxiproxy's name for the path of Sentinel and the replica to the primary."""
        return f"{self._before.proxy}-primary"

    async def make(self) -> Sentinel:
        """Start replica and Sentinel, and lead the link to this one. Earlier connections end."""
        if self.sentinel is not None:
            return self.sentinel
        if self._before.server != self.watched.server:
            raise HarnessError(f"{self._link} leads to a Sentinel of another fault", hint="inject one of them")
        self._site.server_changes.append(self.change)
        proxied = await asyncio.to_thread(self._site.toxiproxy.client().create, self.proxy, self.primary.address)
        self.seen_at = proxied.listen
        self.replica = await asyncio.to_thread(self.primary.beside)
        async with client(self.replica.url()) as new:
            await new.replicaof(proxied.listen.host, str(proxied.listen.port))
        await in_step(self.primary, self.replica)
        launch, source = self.primary.source(self._link.name)
        self.sentinel = await asyncio.to_thread(Sentinel.start, launch, source, proxied.listen)
        await self.sentinel.begin(self.replica.address)
        for address in (proxied.listen, self.replica.address):
            await self._lead(address, self.watched.port)
        self._site.servers[self.sentinel.name] = self.sentinel
        self.sentinel.watch = self
        await self._site.lead(self._link, self.sentinel, self._before.own)
        return self.sentinel

    async def _lead(self, address: HostPort, to_port: int) -> None:
        """Redirect the service's connects: those to a server's own address go to the relay's port for it."""
        await self._add(
            LeadRule(id=self._rule(address), host=address.host, port=address.port, to_port=to_port, transport="stream")
        )

    async def _add(self, rule: Rule) -> None:
        self._rules.append(rule)
        await asyncio.to_thread(self._site.service.add_rule, rule)

    def _rule(self, address: HostPort) -> str:
        return f"{self._before.hop}-{address.port}"

    async def reach_primary(self, *, whether: bool) -> None:
        """Let Sentinel and the replica reach the primary, or refuse their connects to its address."""
        await asyncio.to_thread(self._site.toxiproxy.client().set_enabled, self.proxy, whether)

    async def follow(self, *, former_lives: bool) -> None:
        """Make the relay's port lead to the promoted server.

        The service's connects to that server's own address go there.

        Connects to the former server's address, or to the address in the service's settings, reach the former one or
        nothing.
        """
        if self.replica is None or self.seen_at is None:
            raise AssertionError("there was a failover to it")
        self._led_elsewhere = True  # from here on heal has to undo something
        former = self._rules.pop(0)
        await asyncio.to_thread(self._site.service.remove_rule, former)
        for address in (HostPort(self.watched.host, self.watched.port), self.seen_at):
            if former_lives:
                await self._lead(address, self.primary.port)
            else:
                await self._add(
                    ConnectRule(id=self._rule(address), host=address.host, port=address.port, errno=errno.ECONNREFUSED)
                )
        await self._site.lead_new_connections(self.replica)

    def refused(self) -> int:
        """How many of the service's connects to an address of the primary were refused because the primary is dead."""
        refusing = {rule.id for rule in self._rules if isinstance(rule, ConnectRule)}
        return sum(1 for call in self._site.service.syscall_events() if call.rule_id in refusing)

    async def give_up(self) -> None:
        """End Sentinel; make the first primary the primary again, with the other's data, and end the other.

        Idempotent.
        """
        sentinel, self.sentinel = self.sentinel, None
        replica, self.replica = self.replica, None
        try:
            if sentinel is not None:
                await self._site.lead(self._link, self.primary, self._before.own)
                self._site.servers.pop(sentinel.name, None)
                await asyncio.to_thread(sentinel.close)
            await self._lift()
            if replica is not None and self._led_elsewhere:
                await self._fail_back(replica)
        finally:
            if replica is not None:
                await asyncio.to_thread(replica.close)
            if self.seen_at is not None:
                self.seen_at = None
                await asyncio.to_thread(self._site.toxiproxy.client().delete, self.proxy)
        self.change.mended = True

    async def _lift(self) -> None:
        for rule in self._rules:
            await asyncio.to_thread(self._site.service.remove_rule, rule)
        self._rules.clear()

    async def _fail_back(self, replica: RedisServer) -> None:
        self._led_elsewhere = False
        try:
            await asyncio.to_thread(self.primary.start_again)
            async with client(self.primary.url()) as old:
                await old.replicaof(replica.host, str(replica.port))
                await in_step(replica, self.primary)
                await old.replicaof("NO", "ONE")
        except (RedisError, OSError) as error:
            raise HarnessError(f"Redis cannot be failed back: {error}", hint="inject this fault alone") from error
        finally:
            await self._site.relink(self.primary)


def watch_behind(site: Site, link: Link, place: str) -> Watch:
    """Return the watch whose Sentinel is behind a link. Raises UsageError if there is none."""
    server = site.servers[site.laid(link).server]
    if not isinstance(server, Sentinel) or server.watch is None:
        mend = "inject server.sentinel on it first"
        raise UsageError.at(place, "link", link.name, "no Sentinel is behind it", mend=mend)
    return server.watch


def _watched(site: Site, laid: LaidLink, fault: TimedFault) -> LaidLink:
    if laid.sentinel_of is None:
        valid = [name for name, each in site.links.items() if each.sentinel_of is not None]
        mend = "" if valid else "describe one: [links.sentinel] with protocol and sentinel_of"
        problem = "no Sentinel is asked by it"
        raise UsageError.at(fault.kind, "link", laid.link.name, problem, valid=valid, mend=mend)
    return site.links[laid.sentinel_of]
