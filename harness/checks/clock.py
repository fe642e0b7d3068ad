"""Decides whether a failure that rests on a clock counts: only if the machine had enough cores during the run."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from harness.history import History
from harness.history.events import CoresSeen

Span: TypeAlias = tuple[int, int]
"""Begin and end, CLOCK_MONOTONIC in nanoseconds."""


def ms_of(span: Span) -> float:
    """How long a span is, in milliseconds; negative if it ends before it begins."""
    return (span[1] - span[0]) / 1e6


@dataclass(frozen=True, slots=True)
class Late:
    """What took longer than its limit.

    `span`: from its beginning to its end, or to the time at which the harness gave up. `by_ms`: by how much it missed
    its limit; infinite if it never came. `for_clients`: whether it was late for clients, so that their own waits for a
    core count, too. They do not affect what the service itself counts.
    """

    span: Span
    by_ms: float = math.inf
    for_clients: bool = True


OTHERS_AT_LEAST: Final = 0.5
"""The share of all cores that other programs use on a busy machine. Processes that the harness started are not "other".
"""
WAITED_AT_LEAST: Final = 0.8
"""The share of the time that the run's processes waited because of other programs, where the machine was slow.

The processes work on a request one after the other. If only missing cores made it late, their waits add up to most of
its time. A service that hangs waits for no core, so its failure counts on any machine. An answer that came needs less:
if the waits are as long as it was late, it would have been in time without them.
"""
SERVICE: Final = "service"
CLIENTS: Final = "clients"
"""The history's names for the service's processes, and for the harness's thread in which a run's clients wait."""


@dataclass(slots=True)
class _Figures:
    """What happened in a span. All are milliseconds; CPU time is summed over cores, waits over threads."""

    over: float = 0.0
    others: float = 0.0
    others_share: float = 0.0
    ran_by_service: float = 0.0
    waited: Counter[str] = field(default_factory=Counter)

    def add(self, share: float, seen: CoresSeen, *, clients: bool) -> None:
        """Add that share of a sample, with the waits of its clients or without them."""
        over = share * seen.over_ms
        self.over += over
        self.others += over * seen.others * seen.cores
        self.others_share += over * seen.others
        waits = (wait for wait in seen.waits if clients or wait.of != CLIENTS)
        self.waited.update({wait.of: share * wait.waited_ms for wait in waits})
        self.ran_by_service += share * sum(wait.ran_ms for wait in seen.waits if wait.of == SERVICE)

    @property
    def waits(self) -> float:
        """The waits of all parts. The threads of one part wait at the same time: no part waits longer than the span."""
        return sum(min(self.over, waited) for waited in self.waited.values())

    @property
    def waited_for_others(self) -> float:
        """The part of the waits that other programs caused, by who used the cores: other programs or the service.

        While a process of the run waited, the service's CPU time was not for the request that waited.
        """
        beside = max(0.0, self.ran_by_service - max(0.0, self.over - self.waits))
        return self.waits * self.others / (self.others + beside) if self.others else 0.0


def machine_was_busy(history: History, late: Late) -> str:
    """Say, with figures, that the machine was too busy to judge what was late; empty if it was not.

    Also empty if the history has no figures about cores, or if the service itself kept the cores busy.
    """
    found = _Figures()
    for entry, seen in history.placed(CoresSeen):
        if share := _share_within(entry.t_ns, seen, late.span):
            found.add(share, seen, clients=late.for_clients)
    if not found.over or found.others_share < OTHERS_AT_LEAST * found.over:
        return ""
    if found.waited_for_others < min(WAITED_AT_LEAST * found.over, late.by_ms):
        return ""
    most = max(found.waited, key=found.waited.__getitem__)
    return (
        f"the machine was too busy: other programs took {found.others_share / found.over:.0%} of its cores, and the "
        f"run's processes waited {found.waits / 1e3:.1f} s for a core in {found.over / 1e3:.1f} s, {most} the most"
    )


def slowdown(history: History, span: Span) -> float:
    """How many milliseconds the run's processes needed, in that time, for a millisecond of a core: 1 if none waited."""
    ran = waited = 0.0
    for entry, seen in history.placed(CoresSeen):
        share = _share_within(entry.t_ns, seen, span)
        ran += share * sum(wait.ran_ms for wait in seen.waits)
        waited += share * sum(wait.waited_ms for wait in seen.waits)
    if not waited:
        return 1.0
    return (ran + waited) / ran if ran else math.inf


def _share_within(ended_ns: int, sample: CoresSeen, span: Span) -> float:
    """How much of a sample lies within the span, 0 to 1."""
    length_ns = sample.over_ms * 1e6
    within_ns = min(ended_ns, span[1]) - max(ended_ns - length_ns, span[0])
    return max(0.0, within_ns / length_ns) if length_ns else 0.0
