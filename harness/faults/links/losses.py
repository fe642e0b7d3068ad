"""Faults of a link's packets: the kernel drops what arrives at the relay's sockets, before TCP acknowledges it.

To the service's TCP this looks like a really dead or bad line: it retransmits, and TCP_USER_TIMEOUT and keepalive
apply. If the line is only dead for a while, a connection continues when the next retransmission arrives.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import SOCKET_FILTER, WHOLE_LINK, Connections, Injection, Need
from harness.faults.links.closing import Cut
from harness.faults.links.toxic import LinkFault
from harness.faults.messages.timing import TimedFault
from harness.faults.site import Site
from harness.relay import Loss, Lost, Way
from harness.stack.tcp.sockets import TcpState
from harness.vocabulary import ANY_OUTCOME, Message

SEGMENTS_LOST = EvidenceKind(
    "segments_lost", "kernel", "segments that arrived at the relay were dropped, and not acknowledged"
)
FORGOTTEN = EvidenceKind(
    "forgotten_while_waiting", "relay", "the service was waiting for an answer on a connection that was forgotten"
)
ALIVE = (TcpState.ESTABLISHED, TcpState.CLOSE_WAIT)
_numbers = itertools.count(1)


@dataclass(frozen=True, repr=False)
class LossFault(LinkFault, TimedFault):
    """What the faults of this file share."""

    needs: ClassVar[frozenset[Need]] = frozenset({SOCKET_FILTER})
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (SEGMENTS_LOST,)

    def loss(self) -> Loss:
        """What gets lost."""
        raise NotImplementedError

    def injection(self, site: Site) -> Injection:
        """Make the relay's kernel drop segments until healed."""
        return LossInjection(self, site)


@dataclass(frozen=True, repr=False)
class Dead(LossFault, kind="link.dead"):
    """The line is dead: what is sent gets lost, is not acknowledged, and new connects hang. Nothing is closed.

    For example::

        async with lab.inject(link.dead(postgres, at=postgres.sent("COMMIT"))):
            await lab.deliver()

    This is like a pulled cable. The relay's kernel drops what arrives, so TCP sends it again and again, as over any
    dead line. TCP_USER_TIMEOUT and keepalive notice this (tcp(7)); they do not notice `link.swallow`. When the fault is
    healed, a connection that both ends still have continues: the next retransmission arrives.

    At a message, the line goes dead just after it. If the service sent the message, it arrives at the server, and its
    answer is lost. If the message is an answer, it arrives at the service, and what the service sends next is lost.

    With `way="sent"` only what the service sends is lost. With `way="answered"` only what the server sends is lost,
    between the server and the relay: the relay's kernel still acknowledges what the service sends.

    With `one=True` only the message's connection is dead: others continue, and new ones can be made.

    Args:
        link: the link that it strikes, such as `redis`.
        way: "both" (the default), "sent" or "answered".
        one: only the connection of the message `at`, which must be one of this link.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: there is no such way; or `one` is given, and `at` is no message of this link.
    """

    takes: ClassVar[frozenset[Connections]] = WHOLE_LINK
    way: Way = field(default="both", kw_only=True)
    one: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_one(self)

    def effect(self) -> str:
        """What is lost, and where."""
        lost = f"let nothing arrive that is sent {self.whose} {self.link}"
        return f"{lost}, on the connection of the message" if self.one else f"{lost}, and no connect come through"

    @property
    def whose(self) -> str:
        """The direction, in words."""
        return {"both": "to or by", "sent": "to", "answered": "by"}[self.way]

    def loss(self) -> Loss:
        """All of it."""
        return Loss(way=self.way, new=not self.one, held=self.one)


@dataclass(frozen=True, repr=False)
class SwallowSyn(LossFault, kind="link.swallow_syn"):
    """New connects hang, because their SYN is lost. Open connections continue.

    For example::

        await lab.inject(link.cut(postgres), link.swallow_syn(postgres))
        await lab.deliver(expect=REFUSED)

    A firewall that drops packets, or a server with a full queue, does this. connect(2) fails after some two minutes,
    unless the service has its own time-out. When it is healed, the next SYN arrives, and the connect succeeds.

    Args:
        link: the link that it strikes, such as `redis`.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    does: ClassVar[str] = "let connects to {fault.link} hang"
    takes: ClassVar[frozenset[Connections]] = frozenset({"new"})

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The open connections are cut, so that the service has to connect."""
        return Example(cls(ground.link), beside=(Cut(ground.link),), deliveries=SOME, expect=ground.without_link)

    def loss(self) -> Loss:
        """The SYNs."""
        return Loss(open=False)


@dataclass(frozen=True, repr=False)
class Lose(LossFault, kind="link.lose"):
    """`percent` of a hundred segments are lost, at random. TCP sends them again, so data arrives late.

    For example::

        async with lab.inject(link.lose(postgres, percent=10)):
            await lab.deliver(10)

    The first retransmission comes 200 ms after a loss, each further one after twice that time. Segments that only
    acknowledge count, too. The kernel draws the random numbers, so a run with the same seed loses other segments.

    Args:
        link: the link that it strikes, such as `redis`.
        percent: how many of a hundred, 1 to 90.
        way: "both" (the default); "sent" for what the service sends, "answered" for what the server sends.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `percent` is outside of its limits, or there is no such way.
    """

    percent: int = field(kw_only=True)
    way: Way = field(default="both", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.percent <= MOST_PERCENT:
            mend = f"write 1 to {MOST_PERCENT}; for all of them take link.dead"
            raise UsageError.at(self.kind, "percent", self.percent, f"not within 1 to {MOST_PERCENT}", mend=mend)

    def effect(self) -> str:
        """How many, and which."""
        which = {"both": "to and by", "sent": "to", "answered": "by"}[self.way]
        return f"lose {self.percent} of a hundred segments that are sent {which} {self.link}"

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Some segments are certainly lost, perhaps so many that a delivery takes too long."""
        return Example(cls(ground.link, percent=30), deliveries=SOME, expect=ANY_OUTCOME)

    def loss(self) -> Loss:
        """A share of all segments."""
        return Loss(percent=self.percent, way=self.way)


@dataclass(frozen=True, repr=False)
class HalfOpen(LossFault, kind="link.half_open"):
    """The server has forgotten the open connections, and the service does not know: what it sends on them is lost.

    For example::

        await lab.inject(link.half_open(postgres))
        await lab.deliver()

    This happens when a firewall or a load balancer has dropped its table, or a server has lost power: the service gets
    no FIN and no RST. For the server the connections are closed. New ones work. When the fault is healed, the forgotten
    ones are reset.

    Args:
        link: the link that it strikes, such as `redis`.
        one: only the connection of the message `at`, which must be one of this link.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, that message is lost, too. At another
            moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `one` is given, and `at` is no message of this link.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (SEGMENTS_LOST, FORGOTTEN)
    takes: ClassVar[frozenset[Connections]] = frozenset({"open"})
    one: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_one(self)

    def effect(self) -> str:
        """Which connections are forgotten."""
        which = "the connection of the message" if self.one else "the open connections"
        return f"let {self.link} forget {which}, and tell the service nothing"

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The service notices it and connects again."""
        return Example(cls(ground.link))

    def loss(self) -> Loss:
        """What the service sends on the open ones."""
        return Loss(way="sent", new=False, held=self.one, forgets=True)


@dataclass(frozen=True, repr=False)
class ForgetIdle(LossFault, kind="link.forget_idle"):
    """A connection on which nothing is sent for `idle_s` seconds is forgotten, as `link.half_open` says.

    For example::

        async with lab.inject(link.forget_idle(postgres, idle_s=0.5)):
            await lab.wait(1, because="connections are forgotten when they are idle for half a second")
            await lab.deliver()

    Firewalls, load balancers and NAT do this, mostly after minutes. Every segment counts, so frequent keepalive
    (tcp(7)) keeps a connection. When it is healed, the forgotten ones are reset.

    Args:
        link: the link that it strikes, such as `redis`.
        idle_s: seconds without a segment, more than 0, at most a day.
        at: when it begins. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until the
            fault is in force.

    Raises:
        UsageError: `idle_s` is outside of its limits.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (SEGMENTS_LOST, FORGOTTEN)
    does: ClassVar[str] = "let connections to {fault.link} be forgotten after {fault.idle_s:g} s without a packet"
    idle_s: float = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.idle_s <= DAY_S:
            raise UsageError.at(self.kind, "idle_s", self.idle_s, "not a time", mend=f"write seconds, at most {DAY_S}")

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The connections are idle for long enough. The service notices it and connects again."""
        return Example(cls(ground.link, idle_s=0.5), idle_s=1.0)

    def loss(self) -> Loss:
        """What the service sends on forgotten ones."""
        return Loss(way="sent", new=False, forgets=True, idle_s=self.idle_s)


MOST_PERCENT = 90
DAY_S = 86_400


def _check_one(fault: Dead | HalfOpen) -> None:
    """Refuse `one` if no message says which connection is meant. Raises UsageError."""
    if fault.one and not (isinstance(fault.at, Message) and fault.at.link == fault.link):
        mend = f"give at=, a message of {fault.link}, or leave one out"
        raise UsageError.at(fault.kind, "one", fault.one, f"no message of {fault.link} says which", mend=mend)


class LossInjection(Injection):
    """Begins a loss on the link's hop and ends it. The segments dropped in between are the evidence."""

    def __init__(self, fault: LossFault, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._hop = site.laid(fault.link).hop
        self._id = f"{fault.kind}-{next(_numbers)}"
        self._on = False

    async def act(self) -> None:
        """Lose segments from now on."""
        await self._site.relay.lose(self._hop, self._id, self._fault.loss())
        self._on = True

    async def fired(self) -> int:
        """How many connections and connects have lost something."""
        return (await self._site.relay.lost(self._hop, self._id)).struck if self._on else 0

    async def heal(self) -> None:
        """Lose nothing more, and end the connections that the service has given up."""
        if not self._on:
            return
        # This question comes first: a connection that is made after the list of live connections would look abandoned.
        struck = (await self._site.relay.lost(self._hop, self._id)).connections
        alive = [each.local.port for each in await self._site.connections(self._fault.link) if each.state in ALIVE]
        gone = [port for port in struck if port not in alive]
        self._tell(await self._site.relay.restore(self._hop, self._id, gone=gone))
        self._on = False

    def _tell(self, lost: Lost) -> None:
        if lost.waiting:
            self._site.saw(FORGOTTEN, f"{lost.waiting} connections of the service's to {self._fault.link}")
        if lost.struck > lost.waiting:
            self._site.saw(SEGMENTS_LOST, f"{lost} ({self._fault.link})")
