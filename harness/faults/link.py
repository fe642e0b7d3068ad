"""Streams of bytes: every connection of the link, open and new.

Toxiproxy makes these faults. The relay stands between it and the service, and mirrors what it does: a
close, a reset, a refusal. What the service's own peer has to do, the relay does: it refuses, and it
closes what a rule of its own still holds.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import HarnessError
from harness.faults.fault import Fault, Injection, Need
from harness.faults.meter import LinkActivity, LinkMeter, Used
from harness.faults.site import Site
from harness.faults.timing import TimedFault
from harness.polling import poll_async
from harness.stack.sockets import TcpState
from harness.stack.toxiproxy import toxics
from harness.vocabulary import Link
from harness.vocabulary.value import told_at

CUT_WITHIN_S = 5.0
HINDERED_MS = 1
"""A rate that holds no connection up for so long limits nothing. A kilobyte a second is a byte a millisecond."""
Stream = toxics.Stream
"""Upstream: what the service sends. Downstream: what it is sent."""


@dataclass(frozen=True, repr=False)
class LinkFault(Fault):
    """A fault of one link."""

    needs: ClassVar[frozenset[Need]] = frozenset({"own_toxiproxy"})
    link: Link


@dataclass(frozen=True, repr=False)
class Down(LinkFault, kind="link.down"):
    """Open connections close; new ones are refused."""

    def injection(self, site: Site) -> Injection:
        """Refuse, and disable the proxy, until healed."""
        return _Down(self.link, site)


@dataclass(frozen=True, repr=False)
class Cut(LinkFault, TimedFault, kind="link.cut"):
    """Open connections close, once; new ones are accepted."""

    needs: ClassVar[frozenset[Need]] = frozenset()

    def injection(self, site: Site) -> Injection:
        """Close what is open; the relay listens on."""
        return _Cut(self.link, site)


class _Closing(Injection):
    """Closes the link's open connections, and waits until the service's own kernel says so."""

    def __init__(self, link: Link, site: Site) -> None:
        self._site = site
        self._link = link
        self._laid = site.laid(link)
        self._cut = 0

    async def _cut_all(self) -> None:
        """End every connection of the link, one that a rule of the relay's holds too."""
        await self._site.relay.cut_all(self._laid.hop)

    async def _close(self) -> None:
        open_now = await self._site.connections(self._link)
        await self._cut_all()
        inodes = {connection.inode for connection in open_now if connection.state is TcpState.ESTABLISHED}
        await self._until_gone(inodes)
        self._cut = len(inodes)
        if inodes:
            ports = ", ".join(str(c.local.port) for c in open_now if c.inode in inodes)
            self._site.witness(
                "connections_cut",
                "kernel",
                f"{len(inodes)} of the service's connections to {self._link} (ports {ports})",
            )

    async def _until_gone(self, inodes: set[int]) -> None:
        async def gone() -> bool:
            still = await self._site.connections(self._link)
            return not any(c.inode in inodes and c.state is TcpState.ESTABLISHED for c in still)

        if not await poll_async(gone, within_s=CUT_WITHIN_S):
            raise HarnessError(f"connections of {self._link} outlived the closing of the link by {CUT_WITHIN_S:g} s")

    async def fired(self) -> int:
        return self._cut


class _Down(_Closing):
    def __init__(self, link: Link, site: Site) -> None:
        super().__init__(link, site)
        self._client = site.toxiproxy.client()
        self._meter = LinkMeter(site, link)
        self._shut = False

    async def act(self) -> None:
        await self._meter.begin()
        self._shut = await asyncio.to_thread(self._client.enabled, self._laid.proxy)
        await self._close()

    async def _cut_all(self) -> None:
        await self._site.relay.refuse(self._laid.hop, True)
        await asyncio.to_thread(self._client.set_enabled, self._laid.proxy, False)
        await super()._cut_all()

    async def fired(self) -> int:
        return self._cut + (await self._meter.read()).refused

    async def heal(self) -> None:
        activity = await self._meter.end()
        if activity.refused:
            self._site.witness(
                "connects_refused",
                "seccomp",
                f"{activity.refused} connects of the service to port {self._laid.port} while nothing listened there",
            )
        # Only what it shut itself: another fault may keep the link down.
        if self._shut:
            await asyncio.to_thread(self._client.set_enabled, self._laid.proxy, True)
            await self._site.relay.refuse(self._laid.hop, False)
            self._shut = False


class _Cut(_Closing):
    async def act(self) -> None:
        await self._close()

    async def heal(self) -> None:
        """What was cut stays cut."""


@dataclass(frozen=True, repr=False)
class ToxicFault(LinkFault):
    """A fault that Toxiproxy's toxics make, in one direction or both."""

    def __post_init__(self) -> None:
        super().__post_init__()
        with told_at(repr(self)):
            self.toxics()

    @abstractmethod
    def toxics(self) -> Sequence[toxics.Toxic]:
        """The toxics to add. Raises UsageError for values that Toxiproxy could not keep."""

    def met_by(self, activity: LinkActivity) -> int:
        """How many connections it took effect on: most toxics are met by whatever is asked or answered."""
        return activity.touched

    def injection(self, site: Site) -> Injection:
        """Add the toxics; remove them when healed."""
        return _Toxics(self, site)


class _Toxics(Injection):
    def __init__(self, fault: ToxicFault, site: Site) -> None:
        self._site = site
        self._fault = fault
        self._laid = site.laid(fault.link)
        self._client = site.toxiproxy.client()
        self._meter = LinkMeter(site, fault.link)

    async def act(self) -> None:
        await self._meter.begin()
        for toxic in self._fault.toxics():
            await asyncio.to_thread(self._client.add_toxic, self._laid.proxy, toxic)

    async def fired(self) -> int:
        return self._fault.met_by(await self._meter.read())

    async def heal(self) -> None:
        activity = await self._meter.end()
        if self._fault.met_by(activity):
            names = ", ".join(f"{toxic.type} {toxic.stream}" for toxic in self._fault.toxics())
            self._site.witness("toxic_met", "kernel and Toxiproxy", f"{names}: {activity} on {self._fault.link}")
        for toxic in self._fault.toxics():
            await asyncio.to_thread(self._client.remove_toxic, self._laid.proxy, toxic.name)


def both(make: Callable[..., toxics.Toxic], **attributes: int) -> Sequence[toxics.Toxic]:
    """The same toxic in both directions."""
    return [make(stream=stream, **attributes) for stream in toxics.STREAMS]


def went(used: Used, stream: Stream) -> int:
    """Bytes that went over a connection in one direction."""
    return used.bytes_sent if stream == "upstream" else used.bytes_received


def one(make: Callable[..., toxics.Toxic], stream: Stream, **attributes: int) -> Sequence[toxics.Toxic]:
    """A toxic in one direction."""
    return [make(stream=stream, **attributes)]


@dataclass(frozen=True, repr=False)
class Swallow(ToxicFault, kind="link.swallow"):
    """Connections are accepted and stay open; no byte arrives, either way. Healed: they are closed."""

    def toxics(self) -> Sequence[toxics.Toxic]:
        """`timeout` without a time: it drops everything and never closes."""
        return both(toxics.Timeout, timeout_ms=0)


@dataclass(frozen=True, repr=False)
class Timeout(ToxicFault, kind="link.timeout"):
    """No byte arrives, and after `timeout_ms` the connection is closed."""

    timeout_ms: int = field(kw_only=True)

    def toxics(self) -> Sequence[toxics.Toxic]:
        """`timeout`, both ways."""
        return both(toxics.Timeout, timeout_ms=self.timeout_ms)


@dataclass(frozen=True, repr=False)
class Reset(ToxicFault, kind="link.reset"):
    """New connections are reset (RST) at their first bytes; open ones are closed at their next."""

    def toxics(self) -> Sequence[toxics.Toxic]:
        """`reset_peer`, both ways: the first bytes in either direction meet it."""
        return both(toxics.ResetPeer, timeout_ms=0)


@dataclass(frozen=True, repr=False)
class Latency(ToxicFault, kind="link.latency"):
    """What the server sends arrives later, by `latency_ms` give or take `jitter_ms`."""

    latency_ms: int = field(kw_only=True)
    jitter_ms: int = field(default=0, kw_only=True)
    stream: Stream = field(default="downstream", kw_only=True)

    def toxics(self) -> Sequence[toxics.Toxic]:
        """`latency`, in one direction: once a round trip."""
        return one(toxics.Latency, self.stream, latency_ms=self.latency_ms, jitter_ms=self.jitter_ms)


@dataclass(frozen=True, repr=False)
class Bandwidth(ToxicFault, kind="link.bandwidth"):
    """No more than `rate_kb_s` kilobytes a second pass, in one direction."""

    rate_kb_s: int = field(kw_only=True)
    stream: Stream = field(default="upstream", kw_only=True)

    def toxics(self) -> Sequence[toxics.Toxic]:
        """`bandwidth`, in one direction."""
        return one(toxics.Bandwidth, self.stream, rate_kb_s=self.rate_kb_s)

    def met_by(self, activity: LinkActivity) -> int:
        """Only a connection whose bytes took a millisecond or more has felt it."""
        slow = max(1, self.rate_kb_s * HINDERED_MS)
        withheld = self.stream == "downstream" and activity.bytes_withheld >= slow
        return sum(1 for each in activity.connections if went(each, self.stream) >= slow) + int(withheld)


@dataclass(frozen=True, repr=False)
class Slicer(ToxicFault, kind="link.slicer"):
    """Bytes arrive in slices of about `average_bytes`, `delay_us` apart."""

    average_bytes: int = field(kw_only=True)
    variation_bytes: int = field(default=0, kw_only=True)
    delay_us: int = field(default=0, kw_only=True)
    stream: Stream = field(default="downstream", kw_only=True)

    def toxics(self) -> Sequence[toxics.Toxic]:
        """`slicer`, in one direction."""
        return one(
            toxics.Slicer,
            self.stream,
            average_size_bytes=self.average_bytes,
            size_variation_bytes=self.variation_bytes,
            delay_us=self.delay_us,
        )

    def met_by(self, activity: LinkActivity) -> int:
        """Only a connection with more bytes than fit into a slice can have been cut into slices."""
        slice_bytes = self.average_bytes + self.variation_bytes
        return sum(1 for each in activity.connections if went(each, self.stream) > slice_bytes)


@dataclass(frozen=True, repr=False)
class LimitData(ToxicFault, kind="link.limit_data"):
    """Each connection is closed once `limit_bytes` have passed on it, in one direction."""

    limit_bytes: int = field(kw_only=True)
    stream: Stream = field(default="downstream", kw_only=True)

    def toxics(self) -> Sequence[toxics.Toxic]:
        """`limit_data`, in one direction: a reply is cut in the middle."""
        return one(toxics.LimitData, self.stream, limit_bytes=self.limit_bytes)

    def met_by(self, activity: LinkActivity) -> int:
        """Only a connection that had its bytes and was closed from the server's side has reached the limit."""
        ended = [each for each in activity.connections if each.closed_by_server and each.moved]
        return sum(1 for each in ended if went(each, self.stream) >= self.limit_bytes)


@dataclass(frozen=True, repr=False)
class SlowClose(ToxicFault, kind="link.slow_close"):
    """A close is passed on `delay_ms` late."""

    delay_ms: int = field(kw_only=True)

    def toxics(self) -> Sequence[toxics.Toxic]:
        """`slow_close`, both ways."""
        return both(toxics.SlowClose, delay_ms=self.delay_ms)

    def met_by(self, activity: LinkActivity) -> int:
        """Only a close is late: one of the service's, or one of the server's that it may not know of yet."""
        return sum(1 for each in activity.connections if each.closed_by_a_peer) + activity.left


down, cut, swallow, timeout, reset, latency = Down, Cut, Swallow, Timeout, Reset, Latency
bandwidth, slicer, limit_data, slow_close = Bandwidth, Slicer, LimitData, SlowClose
