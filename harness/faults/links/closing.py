"""Faults that close the connections of a link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import WHOLE_LINK, Connections, Injection, Need
from harness.faults.links.injections import CONNECTIONS_CUT, CONNECTS_REFUSED, CutInjection, DownInjection
from harness.faults.links.toxic import LinkFault
from harness.faults.messages.timing import TimedFault
from harness.faults.site import Site


@dataclass(frozen=True, repr=False)
class Down(LinkFault, kind="link.down"):
    """Open connections close; new ones are refused.

    For example::

        async with lab.inject(link.down(redis)):
            await lab.deliver()

    The service sees an end of file on its open connections, and ECONNREFUSED from connect(2), as from a server that is
    not running. When it is healed, the link accepts connections again.

    Args:
        link: the link that it strikes, such as `redis`.
    """

    does: ClassVar[str] = "close the connections to {fault.link} and refuse new ones"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (CONNECTIONS_CUT, CONNECTS_REFUSED)
    takes: ClassVar[frozenset[Connections]] = WHOLE_LINK

    def injection(self, site: Site) -> Injection:
        """Refuse, and disable the proxy, until healed."""
        return DownInjection(self.link, site)


@dataclass(frozen=True, repr=False)
class Cut(LinkFault, TimedFault, kind="link.cut"):
    """Open connections close, once; new ones are accepted.

    For example::

        await lab.inject(link.cut(redis, at=postgres.sent("COMMIT")))
        await lab.deliver()

    The service sees an end of file, as after a failover or a proxy's restart.

    Args:
        link: the link that it strikes, such as `redis`.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    does: ClassVar[str] = "cut every open connection to {fault.link}"
    needs: ClassVar[frozenset[Need]] = frozenset()
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (CONNECTIONS_CUT,)
    takes: ClassVar[frozenset[Connections]] = frozenset({"open"})

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """It happens once, before the deliveries, so all are acknowledged."""
        return Example(cls(ground.link), met="after", deliveries=SOME)

    def injection(self, site: Site) -> Injection:
        """Close the open connections; the relay keeps listening."""
        return CutInjection(self.link, site)
