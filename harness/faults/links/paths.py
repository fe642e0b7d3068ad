"""Faults of the path to a server: a router that reports an unreachable host, and one that drops large packets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import ClassVar, Final

from harness.errors import HarnessError, UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import RAW_SOCKET, SOCKET_FILTER, WHOLE_LINK, Connections, Injection, Need
from harness.faults.links.closing import Cut
from harness.faults.links.losses import LossFault, LossInjection
from harness.faults.site import Site
from harness.processes.icmp import CODES, Unreachable, Why
from harness.relay import Loss, Way
from harness.vocabulary import ANY_OUTCOME

TOLD_UNREACHABLE = EvidenceKind(
    "told_unreachable", "ICMP", "segments of the service's were lost, and answered with ICMP's destination unreachable"
)
WORDS: Final[dict[Why, str]] = {
    "host": "no route to the host",
    "net": "no route to the network",
    "prohibited": "administratively prohibited",
}


@dataclass(frozen=True, repr=False)
class Unreach(LossFault, kind="link.unreachable"):
    """What the service sends is lost, and a router reports it by ICMP: destination unreachable.

    For example::

        async with lab.inject(link.cut(postgres), link.unreachable(postgres, why="prohibited")):
            await lab.deliver(expect=REFUSED)

    A running connect ends at once with EHOSTUNREACH, or for a network with ENETUNREACH (icmp(7)). An open connection
    does not end at once: the kernel sends again until TCP_USER_TIMEOUT, keepalive or `net.ipv4.tcp_retries2` ends it,
    and then reports the same error (tcp(7)). `syscall.connect` gives the same errors without any packet, and those of a
    local firewall (EPERM, EACCES).

    Args:
        link: the link that it strikes, such as `redis`.
        why: "host" (the default), "net" or "prohibited", as a firewall's `reject with icmp admin-prohibited`.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: there is no such reason.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({SOCKET_FILTER, RAW_SOCKET})
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (TOLD_UNREACHABLE,)
    takes: ClassVar[frozenset[Connections]] = WHOLE_LINK
    why: Why = field(default="host", kw_only=True)

    def effect(self) -> str:
        """What is lost, and which ICMP message the service gets."""
        return f"lose what is sent to {self.link}, and say so by ICMP ({WORDS[self.why]})"

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The open connections are cut, so that the service has to connect."""
        return Example(cls(ground.link), beside=(Cut(ground.link),), deliveries=SOME, expect=ground.without_link)

    def loss(self) -> Loss:
        """Everything that the service sends."""
        return Loss(way="sent")

    def injection(self, site: Site) -> Injection:
        """Drop it and answer it until healed."""
        return _Unreachable(self, site)


@dataclass(frozen=True, repr=False)
class MtuHole(LossFault, kind="link.mtu_hole"):
    """Packets of more than `mtu_bytes` are lost without a message. Smaller ones pass.

    For example::

        async with lab.inject(link.mtu_hole(postgres, mtu_bytes=1400)):
            await lab.deliver(5, expect=ANY_OUTCOME)

    This happens behind a tunnel whose firewall also drops ICMP. Connects and short statements work, and a large
    statement hangs, because TCP sends it again in the same size (RFC 2923). Linux tries smaller ones only with
    `net.ipv4.tcp_mtu_probing`. Over the loopback interface a packet holds up to 64 kB. When the fault is healed, the
    next retransmission passes.

    Args:
        link: the link that it strikes, such as `redis`.
        mtu_bytes: the largest IP packet that passes, 200 to 60,000.
        way: "both" (the default); "sent" for what the service sends, "answered" for what the server sends.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `mtu_bytes` is outside of its limits, or there is no such way.
    """

    mtu_bytes: int = field(kw_only=True)
    way: Way = field(default="both", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not LEAST_BYTES <= self.mtu_bytes <= MOST_BYTES:
            problem, mend = f"not within {LEAST_BYTES} to {MOST_BYTES}", "write 1400, for example"
            raise UsageError.at(self.kind, "mtu_bytes", self.mtu_bytes, problem, mend=mend)

    def effect(self) -> str:
        """Which packets, and where."""
        which = {"both": "to and by", "sent": "to", "answered": "by"}[self.way]
        return f"lose each packet of more than {self.mtu_bytes} bytes that is sent {which} {self.link}"

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Some bodies are larger and some are not. A service that only reads keys sends Redis no large packet."""
        return Example(cls(ground.link, mtu_bytes=LEAST_BYTES), deliveries=SOME, expect=ANY_OUTCOME)

    def loss(self) -> Loss:
        """The large ones."""
        return Loss(way=self.way, above_bytes=self.mtu_bytes)


LEAST_BYTES, MOST_BYTES = 200, 60_000


class _Unreachable(LossInjection):
    """Answers as long as segments are dropped."""

    def __init__(self, fault: Unreach, site: Site) -> None:
        super().__init__(fault, site)
        self._why = fault.why
        self._says: Unreachable | None = None
        self._told = 0

    async def act(self) -> None:
        """Drop and answer. Raises HarnessError if this machine has no raw sockets."""
        try:
            self._says = Unreachable(self._site.laid(self._fault.link).port, self._why)
        except OSError as problem:
            raise HarnessError(f"no raw socket: {problem}", hint="see `harness doctor`") from problem
        await super().act()
        asyncio.get_running_loop().add_reader(self._says.descriptor, self._says.answer)

    async def fired(self) -> int:
        """How many segments were answered."""
        return self._told if self._says is None else self._says.told

    async def heal(self) -> None:
        """Stop answering and dropping."""
        says, self._says = self._says, None
        if says is not None:
            asyncio.get_running_loop().remove_reader(says.descriptor)
            says.close()
            self._told = says.told
        await super().heal()
        if says is not None and says.told:
            told = f"{says.told} segments of the service's to {self._fault.link} answered: {WORDS[self._why]}"
            self._site.saw(TOLD_UNREACHABLE, f"{told} (ICMP type 3, code {CODES[self._why]})")

    def _tell(self, lost: object) -> None:
        """The answered segments are the evidence for the lost ones."""
