"""Faults that another client of Redis causes in the service's keys."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Injection, Once
from harness.faults.messages.timing import TimedFault
from harness.faults.site import Site
from harness.protocols.contract.access import OWN_NAME
from harness.protocols.redis.failover.demotion import demote
from harness.protocols.redis.probes import client
from harness.protocols.redis.running.monitor import CommandMonitor
from harness.protocols.redis.sentinel.faults import fail_over, sentinel
from harness.protocols.redis.states.driving import drive_to
from harness.protocols.redis.words import Redis

KEYS_LOST = EvidenceKind("keys_lost", "Redis", "there were keys of the service, and they are gone")
CLIENTS_KILLED = EvidenceKind("clients_killed", "Redis", "connections of the service were ended by CLIENT KILL")
POISON_MET = EvidenceKind("poison_met", "Redis", "the service asked for one of the keys: MONITOR shows it")
POISONED_S = 86_400
"""As long as a service may remember a delivery. So the harness's keys do not stay for ever."""


@dataclass(frozen=True, repr=False)
class Flush(TimedFault, kind="server.flush"):
    """Everything that the service keeps in Redis is deleted, once.

    For example::

        await lab.deliver()
        await lab.inject(server.flush(redis))
        await lab.deliver()

    It sends FLUSHDB in the service's own database. With a Redis that was given by URL the scenario is unavailable,
    because others may keep something in that database.

    Args:
        link: the link to the Redis server.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    does: ClassVar[str] = "flush what the service keeps in Redis"
    waits_are_seen: ClassVar[bool] = True
    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (KEYS_LOST,)
    link: Redis

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """It deletes what an earlier delivery left there."""
        return Example(cls(ground.link_as(Redis)), met="after", prepared=True)

    def injection(self, site: Site) -> Injection:
        """Send FLUSHDB in the service's own database."""
        return _Flush(self, site)


class _Flush(Once):
    def __init__(self, fault: Flush, site: Site) -> None:
        self._fault = fault
        self._site = site

    async def act(self) -> None:
        laid = self._site.laid(self._fault.link)
        async with client(laid.admin_url) as asking:
            self.struck = await asking.dbsize()
            await asking.flushdb()
        if self.struck:
            self._site.saw(KEYS_LOST, f"{self.struck} keys flushed", server=laid)


@dataclass(frozen=True, repr=False)
class KillClients(TimedFault, kind="server.kill_clients"):
    """Redis ends every connection of the service, once; new ones are accepted.

    For example::

        await lab.inject(server.kill_clients(redis))
        await lab.deliver(5)

    It sends CLIENT KILL for each, as an administrator does. The service sees the connections closed.

    Args:
        link: the link to the Redis server.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    does: ClassVar[str] = "let Redis end every connection of the service"
    waits_are_seen: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (CLIENTS_KILLED,)
    link: Redis

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """It happens once, when there is a connection."""
        return Example(cls(ground.link_as(Redis)), met="after", deliveries=SOME, prepared=True)

    def injection(self, site: Site) -> Injection:
        """Send CLIENT KILL for each connection."""
        return _KillClients(self, site)


class _KillClients(Once):
    def __init__(self, fault: KillClients, site: Site) -> None:
        self._fault = fault
        self._site = site

    async def act(self) -> None:
        laid = self._site.laid(self._fault.link)
        async with client(laid.admin_url) as asking:
            for other in await asking.client_list():
                if other["db"] == laid.words["database"] and other["name"] != OWN_NAME:
                    self.struck += int(await asking.client_kill_filter(_id=other["id"]))
        if self.struck:
            self._site.saw(CLIENTS_KILLED, f"{self.struck} connections of the service ended", server=laid)


@dataclass(frozen=True, repr=False)
class Poison(TimedFault, kind="server.poison"):
    """Redis remembers every future delivery of the scenario, although none was stored.

    For example::

        async with lab.inject(server.poison(redis)):
            await lab.deliver()

    It sets the keys by which the service remembers deliveries (`remembers` in the target description). A service that
    trusts its cache alone acknowledges these deliveries without storing them.

    Args:
        link: the link to the Redis server.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: when it is injected, if the target description does not say how the service remembers deliveries.
    """

    does: ClassVar[str] = "let Redis remember deliveries that were never stored"
    waits_are_seen: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (POISON_MET,)
    link: Redis

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The service asks for the keys, but stores anyway."""
        return Example(cls(ground.link_as(Redis)), deliveries=SOME)

    def injection(self, site: Site) -> Injection:
        """Set the keys by which the service remembers deliveries."""
        return _Poison(self, site)


class _Poison(Injection):
    def __init__(self, fault: Poison, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._laid = site.laid(fault.link)
        self._keys: tuple[str, ...] = ()
        self._exits = AsyncExitStack()
        self._monitor: CommandMonitor | None = None

    async def act(self) -> None:
        self._keys = tuple(self._key(source, delivery) for source, delivery in self._site.ids_to_come)
        asking = client(self._site.laid(self._fault.link).admin_url)
        async with asking as redis, redis.pipeline(transaction=False) as pipeline:
            for key in self._keys:
                await pipeline.set(key, "1", ex=round(self._laid.remembers_s or POISONED_S))
            await pipeline.execute()
        monitor = CommandMonitor(self._laid.admin_url, self._keys)
        self._monitor = await self._exits.enter_async_context(monitor)

    def _key(self, source: str, delivery: str) -> str:
        if self._laid.remembers is None:
            raise UsageError.at(
                "target description", f"links.{self._fault.link}.remembers", None, "server.poison needs this key",
                mend="write by which key the service remembers a delivery",
            )  # fmt: skip
        words = {"prefix": self._laid.words["prefix"], "source": source, "id": delivery}
        key = self._laid.remembers
        for word, value in words.items():
            key = key.replace("{" + word + "}", value)
        return key

    async def fired(self) -> int:
        return await self._monitor.met() if self._monitor else 0

    async def heal(self) -> None:
        if self._monitor is None:
            return
        try:
            met = await self.fired()
        finally:  # a connection that stays open would keep the run's event loop from closing
            self._monitor = None
            await self._exits.aclose()
        if met:
            self._site.saw(
                POISON_MET, f"the service asked for {met} keys of deliveries never stored", server=self._laid
            )


flush, kill_clients, poison = Flush, KillClients, Poison

__all__ = ["demote", "drive_to", "fail_over", "flush", "kill_clients", "poison", "sentinel"]
