"""Whether the service felt a fault whose evidence proves only that the fault was carried out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.checks.facts.exchanges import exchanges
from harness.faults.fault import Fault, FaultFired
from harness.history import History
from harness.history.events import EvidenceSeen, FaultActed, FigureRead, MomentReached, ServerDied, TriesCounted
from harness.vocabulary import CONFIRMED, Link, Value

__all__ = ["not_felt"]


def not_felt(history: History) -> str:
    """Return the fault that was carried out, if the history shows no fault that was felt; otherwise empty.

    A fault was felt if it has other evidence, or if something changed: an answer, a failed statement, a moment that
    came, a figure with `at_least`, a server's end.
    """
    faults = {acted.number: acted.fault for acted in history.of(FaultActed)}
    done = [faults[seen.number] for seen in history.of(EvidenceSeen) if seen.number in faults]
    if not done or any(_shows_more(seen, faults) for seen in history.of(EvidenceSeen)) or any(_changed(history)):
        return ""
    return (
        f"{done[0]!r} was carried out, but nothing shows that the service felt it: add a step that shows its effect,"
        " such as an answer, a moment, or a figure with at_least"
    )


def _shows_more(seen: EvidenceSeen, faults: Mapping[int, Value]) -> bool:
    """Whether this evidence shows more than that the fault was carried out."""
    fault = faults.get(seen.number)
    if not isinstance(fault, Fault):
        return True
    return all(kind.felt for kind in fault.evidence if kind.kind == seen.what)


def _changed(history: History) -> Iterator[bool]:
    """Whether anything changed that a client, the relay or the scenario's author looks at."""
    acted = [(entry.t_ns, event.fault) for entry, event in history.placed(FaultActed)]
    first_ns = min((t_ns for t_ns, _ in acted), default=0)
    yield any(e.of_delivery and e.outcome not in CONFIRMED and e.span[1] >= first_ns for e in exchanges(history))
    links = {link.name for _, fault in acted if isinstance(link := getattr(fault, "link", None), Link)}
    yield any(counted.failed for counted in history.of(TriesCounted) if counted.link in links)
    yield any(died.fault is not None for died in history.of(ServerDied))
    yield any(read.at_least for read in history.of(FigureRead))
    faults = [fault for _, fault in acted]
    for entry, reached in history.placed(MomentReached):
        of_itself = isinstance(reached.moment, FaultFired) and reached.moment.fault in faults
        yield entry.t_ns >= first_ns and not of_itself
