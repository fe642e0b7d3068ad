"""Windows: the times of a run in which the same faults were in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.checks.clock import Span
from harness.faults.fault import Fault
from harness.history import History
from harness.history.events import (
    FaultActed,
    FaultHealed,
    NotRecovered,
    Recovered,
    ServiceEnded,
    ServiceStarted,
)
from harness.vocabulary import Value


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which no fault began or ended, and the service did not recover. `span`: CLOCK_MONOTONIC in nanoseconds.

    `faults`: those in force. `disturbed`: whether one has acted since the service last recovered.
    """

    span: Span
    faults: tuple[Fault, ...]
    disturbed: bool

    def holds(self, span: Span) -> bool:
        """Whether all of it lies within the window."""
        return self.span[0] <= span[0] and span[1] <= self.span[1]


def windows(history: History) -> Sequence[Window]:
    """The windows of a run, in their order.

    While a fault is being injected or healed, the service may feel it or not: that time belongs to no window. A fault
    that is not in the vocabulary (a point of a sweep) leaves no windows until it is healed.
    """
    cutter = _Cutter()
    found = [window for entry in history.entries for window in cutter.met(entry.t_ns, entry.event)]
    over_ns = history.entries[-1].t_ns if history.entries else 0
    return [*found, *cutter.cut(over_ns, over_ns)]


@dataclass(slots=True)
class _Cutter:
    began_ns: int = 0
    in_force: dict[int, Value] = field(default_factory=dict)
    disturbed: bool = False

    def met(self, t_ns: int, event: object) -> Iterator[Window]:
        """End the window before an event that ends one."""
        match event:
            case FaultActed(number, fault, took_ms):
                yield from self.cut(t_ns - round(took_ms * 1e6), t_ns)
                self.in_force[number] = fault
                self.disturbed = True
            case FaultHealed(number):
                yield from self.cut(t_ns - round(event.took_ms * 1e6), t_ns)
                self.in_force.pop(number, None)
            case Recovered():
                yield from self.cut(t_ns, t_ns)
                self.disturbed = False
            case NotRecovered() | ServiceStarted() | ServiceEnded():
                yield from self.cut(t_ns, t_ns)
            case _:
                pass

    def cut(self, ended_ns: int, next_ns: int) -> Iterator[Window]:
        faults = tuple(fault for fault in self.in_force.values() if isinstance(fault, Fault))
        if self.began_ns < ended_ns and len(faults) == len(self.in_force):
            yield Window((self.began_ns, ended_ns), faults, self.disturbed)
        self.began_ns = next_ns


__all__ = ["Window", "windows"]
