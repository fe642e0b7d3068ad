"""Draws a load over time: requests, retries, and acknowledgements in time, per second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from harness.checks.facts.exchanges import Exchange, exchanges
from harness.history import History
from harness.history.events import LoadBegan, LoadEnded
from harness.vocabulary import CONFIRMED

BIN_NS = 250_000_000
"""The time over which each number is counted."""
SECOND_NS = 1_000_000_000
GOODPUT = "acknowledged in time"

Points = Sequence[tuple[int, float]]
"""A number from each moment on; CLOCK_MONOTONIC in nanoseconds."""


def rates(history: History) -> Iterator[tuple[str, str, Points]]:
    """Yield each load's name, the kind of count, and the number per second."""
    over = {event.load: entry.t_ns for entry, event in history.placed(LoadEnded)}
    for entry, event in history.placed(LoadBegan):
        sent = [e for e in exchanges(history) if e.sent.load == event.load]
        until_ns = max([over.get(event.load, entry.t_ns), *(e.span[1] for e in sent)])
        for what, times in _counted(sent).items():
            yield f"load {event.load}", what, _per_s(times, entry.t_ns, until_ns)


def _counted(sent: Sequence[Exchange]) -> Mapping[str, Sequence[int]]:
    return {
        GOODPUT: [e.span[1] for e in sent if e.outcome in CONFIRMED],
        "arriving": [e.span[0] for e in sent if e.sent.attempt == 1],
        "tried again": [e.span[0] for e in sent if e.sent.attempt > 1],
        "given up": [e.span[1] for e in sent if e.lost_patience],
    }


def _per_s(times: Sequence[int], from_ns: int, until_ns: int) -> Points:
    """Count by bins, and leave out what does not change; the end is 0."""
    counts = Counter((t_ns - from_ns) // BIN_NS for t_ns in times)
    bins = -(-(until_ns - from_ns) // BIN_NS)
    each = [(from_ns + n * BIN_NS, counts[n] * SECOND_NS / BIN_NS) for n in range(bins + 1)]
    points = [next(alike) for _, alike in groupby(each[:-1], key=lambda point: point[1])]
    return [*points, (until_ns, 0.0)]
