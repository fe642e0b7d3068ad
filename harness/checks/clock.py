"""Whether a failure that rests on a clock counts: only while the machine had cores for the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from harness.history import History
from harness.history.events import CoresSeen

Span: TypeAlias = tuple[int, int]
"""Begin and end, CLOCK_MONOTONIC in nanoseconds."""

OTHERS_AT_LEAST: Final = 0.25
"""The share of all cores that other programs take on a busy machine; what the harness has started is not among them."""
WAITED_AT_LEAST: Final = 0.1
"""The share of the time in which the run's processes waited for a core, all of them together, that makes a clock wrong.

A service that hangs waits for no core: its failure counts on any machine.
"""


def machine_was_busy(history: History, spans: Sequence[Span]) -> str:
    """Say, with figures, that the machine was too busy to judge by a clock in these spans; empty where it was not.

    Empty too where the history has no figures of cores.
    """
    samples = [
        entry.event
        for entry in history.entries_of(CoresSeen)
        if isinstance(entry.event, CoresSeen) and _overlaps(entry.t_ns, entry.event, spans)
    ]
    over_ms = sum(sample.over_ms for sample in samples)
    if not over_ms:
        return ""
    others = sum(sample.others * sample.over_ms for sample in samples) / over_ms
    waited_ms = sum(wait.waited_ms for sample in samples for wait in sample.waits)
    if others < OTHERS_AT_LEAST or waited_ms < WAITED_AT_LEAST * over_ms:
        return ""
    most = max((wait for sample in samples for wait in sample.waits), key=lambda wait: wait.waited_ms)
    return (
        f"the machine was too busy: other programs took {others:.0%} of its cores, and the run's processes waited "
        f"{waited_ms / 1e3:.1f} s for a core in {over_ms / 1e3:.1f} s, {most.of} the most"
    )


def _overlaps(ended_ns: int, sample: CoresSeen, spans: Sequence[Span]) -> bool:
    began_ns = ended_ns - sample.over_ms * 1e6
    return any(began_ns < end and begin < ended_ns for begin, end in spans)
