"""Faults of a whole link: they affect the bytes of every connection, open and new.

Toxiproxy makes these faults. The relay is between Toxiproxy and the service. It does to the service what Toxiproxy does
to the relay: it closes, resets or refuses. If one of its own rules holds a connection, it closes that connection
itself.
"""

# What a docstring here says of Toxiproxy was read in the source of Toxiproxy 2.12, and tests/stack/proxy/test_toxics.py
# checks it against the real server. "Open" is a connection that exists when the fault begins, "new" is one that is made
# while it is on.
#
# To add a fault, write its class here, and its name in the last lines. A toxic's numbers are fields with `limits`; the
# fault is on in both directions, or in `stream`, where it has that field.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import WHOLE_LINK, Connections
from harness.faults.links.closing import Cut, Down
from harness.faults.links.handshake import Handshake
from harness.faults.links.losses import Dead, ForgetIdle, HalfOpen, Lose, SwallowSyn
from harness.faults.links.meter import LinkActivity
from harness.faults.links.paths import MtuHole, Unreach
from harness.faults.links.toxic import ToxicFault, limits, met_when, went
from harness.stack.toxiproxy.toxics import Stream
from harness.vocabulary import ANY_OUTCOME

HINDERED_MS = 1
"""A rate counts as a limit if it delays a connection by this much. A kilobyte per second is a byte per millisecond."""
DAY_MS = 86_400_000
MANY = 10_000_000


@dataclass(frozen=True, repr=False)
class Swallow(ToxicFault, kind="link.swallow"):
    """Connections are accepted and stay open, but no byte arrives in either direction.

    For example::

        async with lab.inject(link.swallow(redis)):
            await lab.deliver()

    This affects open and new connections. The dropped bytes are lost, so no connection could continue. Healing closes
    all of them. (Toxiproxy's `timeout` with a timeout of 0.)

    Args:
        link: the link that it strikes, such as `redis`.
    """

    does: ClassVar[str] = "swallow every byte to and from {fault.link}"
    toxic: ClassVar[str] = "timeout"
    takes: ClassVar[frozenset[Connections]] = WHOLE_LINK
    always: ClassVar[Mapping[str, int]] = {"timeout": 0}  # it never closes


@dataclass(frozen=True, repr=False)
class Timeout(ToxicFault, kind="link.timeout"):
    """No byte arrives, and after `timeout_ms` the connection is closed.

    For example::

        async with lab.inject(link.timeout(redis, timeout_ms=500)):
            await lab.deliver()

    This affects open and new connections. Each dropped chunk starts the time again.

    Args:
        link: the link that it strikes, such as `redis`.
        timeout_ms: milliseconds without a further chunk, 0 to a day. 0 never closes, which is `link.swallow`.

    Raises:
        UsageError: `timeout_ms` is outside of its limits.
    """

    does: ClassVar[str] = "swallow what goes to and from {fault.link}, and close after {fault.timeout_ms} ms"
    toxic: ClassVar[str] = "timeout"
    takes: ClassVar[frozenset[Connections]] = WHOLE_LINK
    timeout_ms: int = field(kw_only=True, metadata=limits("timeout", at_most=DAY_MS))

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The link cannot be used."""
        return Example(cls(ground.link, timeout_ms=500), deliveries=SOME, expect=ground.without_link)


@dataclass(frozen=True, repr=False)
class Reset(ToxicFault, kind="link.reset"):
    """New connections are reset (RST) at their first bytes; open ones are closed at their next.

    For example::

        await lab.inject(link.cut(redis), link.reset(redis))
        await lab.deliver()

    Toxiproxy sets SO_LINGER (socket(7)) only when a connection starts. An open connection sees an end of file, or an
    RST from the kernel if it had sent more than Toxiproxy had read. An idle one lives on until its next chunk. After
    healing, connections that were made under the fault are still reset at their end, not closed.

    Args:
        link: the link that it strikes, such as `redis`.
    """

    does: ClassVar[str] = "reset connections to {fault.link}"
    toxic: ClassVar[str] = "reset_peer"
    takes: ClassVar[frozenset[Connections]] = WHOLE_LINK
    always: ClassVar[Mapping[str, int]] = {"timeout": 0}


@dataclass(frozen=True, repr=False)
class Latency(ToxicFault, kind="link.latency"):
    """What the server sends arrives `latency_ms` later, plus or minus `jitter_ms`.

    For example::

        async with lab.inject(link.latency(postgres, latency_ms=200, jitter_ms=50)):
            await lab.deliver(5)

    This affects open and new connections. Chunks of bytes keep their order, and wait in parallel: ten chunks that are
    sent at once arrive together, not ten latencies later. Nothing is lost: up to 1024 chunks (of 32 KiB at most) are
    buffered, so the sender sees no back-pressure before that. A close by either side is passed on only after the
    chunks. When the fault is healed, waiting chunks pass at once.

    Args:
        link: the link that it strikes, such as `redis`.
        latency_ms: milliseconds, 1 to a day.
        jitter_ms: at most so many milliseconds more or less, at random; at most `latency_ms`.
        stream: "downstream" for what the server sends (the default), "upstream" for what the service sends.

    Raises:
        UsageError: a number is outside of its limits.
    """

    toxic: ClassVar[str] = "latency"
    latency_ms: int = field(kw_only=True, metadata=limits("latency", at_least=1, at_most=DAY_MS))
    jitter_ms: int = field(default=0, kw_only=True, metadata=limits("jitter", at_most=DAY_MS))
    stream: Stream = field(default="downstream", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.jitter_ms > self.latency_ms:
            problem, mend = f"more than latency_ms = {self.latency_ms}", f"write at most {self.latency_ms}"
            raise UsageError.at(self.kind, "jitter_ms", self.jitter_ms, problem, mend=mend)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The link is slow, but fast enough."""
        return Example(cls(ground.link, latency_ms=200), deliveries=SOME)

    def effect(self) -> str:
        """How late, with the jitter if any, and in which direction."""
        about = f" give or take {self.jitter_ms} ms" if self.jitter_ms else ""
        late = f"{self.latency_ms} ms{about} late"
        return f"let {self.link} answer {late}" if self.stream == "downstream" else f"reach {self.link} {late}"


@dataclass(frozen=True, repr=False)
class Bandwidth(ToxicFault, kind="link.bandwidth"):
    """At most `rate_kb_s` kilobytes per second pass, in one direction.

    For example::

        async with lab.inject(link.bandwidth(postgres, rate_kb_s=10)):
            await lab.deliver(5)

    This affects open and new connections. Bytes pass in pieces of at most 100 ms. With a rate of 0 no byte passes, and
    none is lost: the sender soon fills the socket's buffers and sees back-pressure, as with a peer that has stopped
    reading. When the fault is healed, waiting bytes pass at once.

    Args:
        link: the link that it strikes, such as `redis`.
        rate_kb_s: kilobytes (1000 bytes) per second, 0 to 10,000,000.
        stream: "upstream" for what the service sends (the default), "downstream" for what the server sends.

    Raises:
        UsageError: `rate_kb_s` is outside of its limits.
    """

    toxic: ClassVar[str] = "bandwidth"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = met_when(
        "a connection's bytes took a millisecond or more at this rate"
    )
    rate_kb_s: int = field(kw_only=True, metadata=limits("rate", at_most=MANY))
    stream: Stream = field(default="upstream", kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The link is slow, but fast enough."""
        return Example(cls(ground.link, rate_kb_s=ground.sample.rate_kb_s), deliveries=SOME)

    def effect(self) -> str:
        """How much passes, and which way."""
        way = "from" if self.stream == "downstream" else "to"
        return f"let {self.rate_kb_s} kB a second through {way} {self.link}"

    def met_by(self, activity: LinkActivity) -> int:
        """A connection is affected if its bytes took a millisecond or more."""
        slow = max(1, self.rate_kb_s * HINDERED_MS)
        withheld = self.stream == "downstream" and activity.bytes_withheld >= slow
        return sum(1 for each in activity.connections if went(each, self.stream) >= slow) + int(withheld)


@dataclass(frozen=True, repr=False)
class Slicer(ToxicFault, kind="link.slicer"):
    """Bytes arrive in slices of about `average_bytes`, `delay_us` apart.

    For example::

        async with lab.inject(link.slicer(redis, average_bytes=2, delay_us=100)):
            await lab.deliver(5)

    This affects open and new connections. Nothing is lost or reordered.

    Args:
        link: the link that it strikes, such as `redis`.
        average_bytes: bytes in a slice, 1 to 10,000,000.
        variation_bytes: sizes are random within so many bytes; 0 makes them repeatable. Less than `average_bytes`.
        delay_us: microseconds between two slices, 0 to a minute.
        stream: "downstream" for what the server sends (the default), "upstream" for what the service sends.

    Raises:
        UsageError: a number is outside of its limits.
    """

    toxic: ClassVar[str] = "slicer"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = met_when("a connection had more bytes than fit into a slice")
    average_bytes: int = field(kw_only=True, metadata=limits("average_size", at_least=1, at_most=MANY))
    variation_bytes: int = field(default=0, kw_only=True, metadata=limits("size_variation", at_most=MANY))
    delay_us: int = field(default=0, kw_only=True, metadata=limits("delay", at_most=60_000_000))
    stream: Stream = field(default="downstream", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variation_bytes >= self.average_bytes:
            problem = f"not less than average_bytes = {self.average_bytes}"
            mend = f"write at most {self.average_bytes - 1}"
            raise UsageError.at(self.kind, "variation_bytes", self.variation_bytes, problem, mend=mend)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The link is slow, but fast enough."""
        return Example(cls(ground.link, average_bytes=2, delay_us=100), deliveries=SOME)

    def effect(self) -> str:
        """Which bytes are sliced, and how small."""
        whose = f"{self.link}'s bytes" if self.stream == "downstream" else f"bytes for {self.link}"
        return f"let {whose} arrive in slices of about {self.average_bytes}"

    def met_by(self, activity: LinkActivity) -> int:
        """Only a connection with more bytes than fit into a slice can have been cut into slices."""
        slice_bytes = self.average_bytes + self.variation_bytes
        return sum(1 for each in activity.connections if went(each, self.stream) > slice_bytes)


@dataclass(frozen=True, repr=False)
class LimitData(ToxicFault, kind="link.limit_data"):
    """Each connection is closed once `limit_bytes` have passed on it, in one direction.

    For example::

        async with lab.inject(link.limit_data(redis, limit_bytes=2)):
            await lab.deliver(5)

    The close comes with the byte that reaches the limit; with 0, with the first chunk. Bytes beyond the limit are
    dropped: an answer is cut in the middle. New connections count from their first byte, open ones from the beginning
    of the fault.

    Args:
        link: the link that it strikes, such as `redis`.
        limit_bytes: bytes, 0 to 2**40.
        stream: "downstream" for what the server sends (the default), "upstream" for what the service sends.

    Raises:
        UsageError: `limit_bytes` is outside of its limits.
    """

    toxic: ClassVar[str] = "limit_data"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = met_when(
        "a connection had its bytes and was closed from the server's side"
    )
    limit_bytes: int = field(kw_only=True, metadata=limits("bytes", at_most=2**40))
    stream: Stream = field(default="downstream", kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The link cannot be used."""
        return Example(cls(ground.link, limit_bytes=2), deliveries=SOME, expect=ground.without_link)

    def effect(self) -> str:
        """After how many bytes, and in which direction."""
        way = "" if self.stream == "downstream" else " to it"
        return f"close {self.link}'s connections after {self.limit_bytes} bytes{way}"

    def met_by(self, activity: LinkActivity) -> int:
        """A connection has reached the limit if it had its bytes and the server's side closed it."""
        ended = [each for each in activity.connections if each.closed_by_server and each.moved]
        return sum(1 for each in ended if went(each, self.stream) >= self.limit_bytes)


@dataclass(frozen=True, repr=False)
class SlowClose(ToxicFault, kind="link.slow_close"):
    """A close is passed on `delay_ms` late.

    For example::

        async with lab.inject(link.slow_close(postgres, delay_ms=1_000)):
            await lab.restart()

    This affects open and new connections. When the fault is healed, a waiting close is passed on at once. `link.down`
    does not wait for it.

    Args:
        link: the link that it strikes, such as `redis`.
        delay_ms: milliseconds, 1 to a day.

    Raises:
        UsageError: `delay_ms` is outside of its limits.
    """

    does: ClassVar[str] = "pass a close on {fault.link} on {fault.delay_ms} ms late"
    toxic: ClassVar[str] = "slow_close"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = met_when("service or server closed a connection of the link")
    delay_ms: int = field(kw_only=True, metadata=limits("delay", at_least=1, at_most=DAY_MS))

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Only a close is late, and a service seldom closes unless it is stopped."""
        return Example(cls(ground.link, delay_ms=1_000), restarts=True, expect=ANY_OUTCOME)

    def met_by(self, activity: LinkActivity) -> int:
        """Only a close is late: the service's, or one of the server's that the service may not have seen yet."""
        return sum(1 for each in activity.connections if each.closed_by_a_peer) + activity.left


down, cut, swallow, timeout, reset, latency = Down, Cut, Swallow, Timeout, Reset, Latency
bandwidth, slicer, limit_data, slow_close = Bandwidth, Slicer, LimitData, SlowClose
dead, swallow_syn, lose, half_open, forget_idle = Dead, SwallowSyn, Lose, HalfOpen, ForgetIdle
unreachable, mtu_hole, handshake = Unreach, MtuHole, Handshake
