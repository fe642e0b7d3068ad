"""Which whole links are away while certain faults are in force."""

from __future__ import annotations

from collections.abc import Iterable

from harness.faults.fault import WHOLE_LINK, Connections, Fault
from harness.vocabulary import Link


def links_away(faults: Iterable[Fault]) -> frozenset[str]:
    """Names of the links on which neither open nor new connections work while all these faults are in force.

    For example, `link.down(redis)` alone takes "redis" away; `syscall.connect(redis, errno="EINVAL")` only together
    with `link.cut(redis)`, because the service would keep using open connections.
    """
    taken: dict[str, frozenset[Connections]] = {}
    for fault in faults:
        link = getattr(fault, "link", None)
        if isinstance(link, Link):
            taken[link.name] = taken.get(link.name, frozenset()) | fault.takes_away
    return frozenset(name for name, connections in taken.items() if connections >= WHOLE_LINK)


def links_hurt(faults: Iterable[Fault]) -> frozenset[str]:
    """Names of the links on which these faults take away some or all connections."""
    links = ((fault, getattr(fault, "link", None)) for fault in faults)
    return frozenset(link.name for fault, link in links if isinstance(link, Link) and fault.takes_away)


def strikes_all_alike(faults: Iterable[Fault]) -> bool:
    """Whether each of these faults takes a link, or a part of it, away from all requests equally.

    If not, one request meets the fault and another does not, so the answer to one says nothing about the other.
    """
    return all(fault.takes_away or not fault.leaves_evidence for fault in faults)


__all__ = ["links_away", "links_hurt", "strikes_all_alike"]
