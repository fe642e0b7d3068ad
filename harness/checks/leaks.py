"""Decides which leaked sessions are the service's own failure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.faults.fault import Fault
from harness.history import History
from harness.history.events import FaultActed, FaultHealed, SessionLeaked
from harness.vocabulary import Value

__all__ = ["leaked_sessions"]


def leaked_sessions(history: History) -> Iterator[tuple[SessionLeaked, Value | None]]:
    """Return each session, with another fault in force that may have kept it; None: the service kept it."""
    in_force: dict[int, Value] = {}
    for entry in history.entries:
        match entry.event:
            case FaultActed(number, fault):
                in_force[number] = fault
            case FaultHealed(number):
                in_force.pop(number, None)
            case SessionLeaked() as leaked:
                others = [fault for fault in in_force.values() if fault != leaked.fault and _does_something(fault)]
                yield leaked, others[-1] if others else None


def _does_something(fault: Value) -> bool:
    return not isinstance(fault, Fault) or fault.leaves_evidence
