"""Decides whether a failure that rests on a clock counts: only if the machine had enough cores during the run."""

from __future__ import annotations

from collections import Counter
from typing import Final, TypeAlias

from harness.history import History
from harness.history.events import CoresSeen

Span: TypeAlias = tuple[int, int]
"""Begin and end, CLOCK_MONOTONIC in nanoseconds."""

OTHERS_AT_LEAST: Final = 0.5
"""Share of all cores that other programs use on a busy machine. What the harness has started does not count as
other.
"""
WAITED_AT_LEAST: Final = 0.8
"""The share of the time that the run's processes waited for a core, all together, where the machine was slow.

What a request asks for is done by one process after the other. If only the want of cores made it late, their waits add
up to most of its time. A service that hangs waits for no core: its failure counts on any machine.
"""


def machine_was_busy(history: History, span: Span) -> str:
    """Say, with figures, that the machine was too busy to judge by a clock in this span; empty if it was not.

    Also empty if the history has no figures of cores.
    """
    over_ms = others_ms = 0.0
    waited_ms: Counter[str] = Counter()
    for entry in history.entries:
        if isinstance(entry.event, CoresSeen) and (share := _share_within(entry.t_ns, entry.event, span)):
            over_ms += share * entry.event.over_ms
            others_ms += share * entry.event.over_ms * entry.event.others
            waited_ms.update({wait.of: share * wait.waited_ms for wait in entry.event.waits})
    waited = sum(waited_ms.values())
    if not over_ms or others_ms < OTHERS_AT_LEAST * over_ms or waited < WAITED_AT_LEAST * over_ms:
        return ""
    most = max(waited_ms, key=waited_ms.__getitem__)
    return (
        f"the machine was too busy: other programs took {others_ms / over_ms:.0%} of its cores, and the run's "
        f"processes waited {waited / 1e3:.1f} s for a core in {over_ms / 1e3:.1f} s, {most} the most"
    )


def _share_within(ended_ns: int, sample: CoresSeen, span: Span) -> float:
    """How much of a sample lies within the span, 0 to 1."""
    length_ns = sample.over_ms * 1e6
    within_ns = min(ended_ns, span[1]) - max(ended_ns - length_ns, span[0])
    return max(0.0, within_ns / length_ns) if length_ns else 0.0
