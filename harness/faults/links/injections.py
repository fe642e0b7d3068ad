"""How link faults act: they close connections, or add Toxiproxy's toxics to the link's proxy."""

from __future__ import annotations

import asyncio
import dataclasses
from http import HTTPStatus
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.faults.evidence import EvidenceKind
from harness.faults.fault import Injection
from harness.faults.links.meter import LinkMeter
from harness.faults.site import Site
from harness.polling import poll_async
from harness.stack.tcp.sockets import TcpState
from harness.stack.toxiproxy.api import ToxiproxyError
from harness.stack.toxiproxy.toxics import Toxic
from harness.vocabulary import Link

if TYPE_CHECKING:
    from harness.faults.links.toxic import ToxicFault

CUT_WITHIN_S = 5.0
ALIKE_MAX = 9
"""How many faults of one kind can be in force on one link at once."""
CONNECTIONS_CUT = EvidenceKind(
    "connections_cut", "kernel", "connections of the service were open on the link, and are gone"
)
CONNECTS_REFUSED = EvidenceKind("connects_refused", "seccomp", "the service dialled a port where nothing listened")


class Closing(Injection):
    """Closes the link's open connections, and waits until the service's kernel no longer lists them."""

    def __init__(self, link: Link, site: Site) -> None:
        self._site = site
        self._link = link
        self._laid = site.laid(link)
        self._cut = 0

    async def _cut_all(self) -> None:
        """End every connection of the link, including those that a rule of the relay holds."""
        await self._site.relay.cut_all(self._laid.hop)

    async def _close(self) -> None:
        open_now = await self._site.connections(self._link)
        await self._cut_all()
        inodes = {connection.inode for connection in open_now if connection.state is TcpState.ESTABLISHED}
        await self._until_gone(inodes)
        self._cut = len(inodes)
        if inodes:
            ports = ", ".join(str(c.local.port) for c in open_now if c.inode in inodes)
            detail = f"{len(inodes)} of the service's connections to {self._link} (ports {ports})"
            self._site.saw(CONNECTIONS_CUT, detail)

    async def _until_gone(self, inodes: set[int]) -> None:
        async def gone() -> bool:
            still = await self._site.connections(self._link)
            return not any(c.inode in inodes and c.state is TcpState.ESTABLISHED for c in still)

        if not await poll_async(gone, within_s=CUT_WITHIN_S):
            raise HarnessError(f"{self._link} was closed {CUT_WITHIN_S:g} s ago, and still has open connections")

    async def fired(self) -> int:
        """How many connections it closed."""
        return self._cut


class DownInjection(Closing):
    """Closes the connections, and refuses new ones until healed."""

    def __init__(self, link: Link, site: Site) -> None:
        super().__init__(link, site)
        self._client = site.toxiproxy.client()
        self._meter = LinkMeter(site, link)
        self._shut = False

    async def act(self) -> None:
        """Refuse new connections, then close the open ones."""
        await self._meter.begin()
        self._shut = await asyncio.to_thread(self._client.enabled, self._laid.proxy)
        await self._close()

    async def _cut_all(self) -> None:
        await self._site.relay.refuse(self._laid.hop, True)
        await asyncio.to_thread(self._client.set_enabled, self._laid.proxy, False)
        await super()._cut_all()

    async def fired(self) -> int:
        """How many connections it closed, and how many it refused."""
        return self._cut + (await self._meter.read()).refused

    async def heal(self) -> None:
        """Accept connections again."""
        refused = (await self._meter.end()).refused
        if refused:
            detail = f"{refused} connects of the service to port {self._laid.port} while nothing listened there"
            self._site.saw(CONNECTS_REFUSED, detail)
        # Only if this fault disabled it: another one may keep the link down.
        if self._shut:
            await asyncio.to_thread(self._client.set_enabled, self._laid.proxy, True)
            await self._site.relay.refuse(self._laid.hop, False)
            self._shut = False


class CutInjection(Closing):
    """Closes the connections once; new ones are accepted."""

    async def act(self) -> None:
        """Close the open connections."""
        await self._close()

    async def instead(self) -> str:
        """Report that there was no connection to close: many clients connect only for their first request."""
        return "" if self._cut else f"no connection to {self._link} was open"

    async def heal(self) -> None:
        """Do nothing: closed connections stay closed."""


class ToxicsInjection(Injection):
    """Adds a fault's toxics to the link's proxy; removes them when healed."""

    def __init__(self, fault: ToxicFault, site: Site) -> None:
        self._site = site
        self._fault = fault
        self._toxics: list[Toxic] = []
        self._laid = site.laid(fault.link)
        self._client = site.toxiproxy.client()
        self._meter = LinkMeter(site, fault.link)

    async def act(self) -> None:
        """Add the toxics."""
        await self._meter.begin()
        for toxic in self._fault.toxics():
            self._toxics.append(await self._added(toxic))

    async def _added(self, toxic: Toxic) -> Toxic:
        """Add the toxic under a name that no other fault of this link has taken: two equal faults add up."""
        names = [toxic.name, *(f"{toxic.name}_{number}" for number in range(2, ALIKE_MAX + 1))]
        for name in names:
            named = dataclasses.replace(toxic, name=name)
            try:
                await asyncio.to_thread(self._client.add_toxic, self._laid.proxy, named)
            except ToxiproxyError as taken:
                if taken.status != HTTPStatus.CONFLICT or name == names[-1]:
                    raise
            else:
                return named
        raise AssertionError("the last name is added or raises")

    async def fired(self) -> int:
        """How many connections they have affected."""
        return self._fault.met_by(await self._meter.read())

    async def heal(self) -> None:
        """Look for evidence a last time, then remove them."""
        activity = await self._meter.end()
        if self._fault.met_by(activity):
            names = ", ".join(f"{toxic.type} {toxic.stream}" for toxic in self._toxics)
            self._site.saw(self._fault.evidence[0], f"{names}: {activity} on {self._fault.link}")
        for toxic in self._toxics:
            await asyncio.to_thread(self._client.remove_toxic, self._laid.proxy, toxic.name)
