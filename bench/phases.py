"""Splits a run by the phases in its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from harness.history import History
from harness.history.events import PhaseBegan, ServiceStarted

LAYING = "laying"
SERVICE = "service start"
END = "end"


def durations_ms(history: History, *, whole_ms: float) -> Mapping[str, float]:
    """Return each phase's time in ms (phases with one name are added), and `all`.

    `start` is split into `laying` and `service start`. `end` is the run's time after its last entry. Raises ValueError
    for a history without entries.
    """
    if not history.entries:
        raise ValueError("the history is empty")
    first, last = history.entries[0], history.entries[-1]
    found: dict[str, float] = {}
    for (name, began_ns), (_, ended_ns) in pairwise([*_beginnings(history), ("", last.t_ns)]):
        found[name] = found.get(name, 0.0) + (ended_ns - began_ns) / 1e6
    found[END] = whole_ms - (last.t_ns - first.t_ns) / 1e6
    return {**found, "all": whole_ms}


def _beginnings(history: History) -> Iterator[tuple[str, int]]:
    for entry in history.entries:
        if isinstance(entry.event, PhaseBegan):
            yield (LAYING if entry.event.phase == "start" else entry.event.phase), entry.t_ns
        elif isinstance(entry.event, ServiceStarted) and not _restarted(history, entry.seq):
            yield SERVICE, entry.t_ns - round(entry.event.took_ms * 1e6)


def _restarted(history: History, seq: int) -> bool:
    return any(isinstance(entry.event, ServiceStarted) for entry in history.entries[:seq])
