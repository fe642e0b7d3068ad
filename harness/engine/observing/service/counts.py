"""Reads what the service itself counts of its answers, so that it can be compared with what the clients had."""

from __future__ import annotations

from collections.abc import Iterator

from harness.engine.observing.service.probes import Probed
from harness.engine.rig import Rig
from harness.errors import HarnessError
from harness.history.events import CountsRead, SeriesRead
from harness.target.sections.outcomes import outcome_of
from harness.target.sections.series import parts_of


def record_counts(rig: Rig, probed: Probed | None) -> None:
    """Record the counters of answers that the target names, and what its metrics do not show or cannot be."""
    probes = rig.target.description.probes
    if probes is None or probed is None:
        return
    read = [SeriesRead(outcome_of(name), series, _value(probed, series)) for name, series in probes.counts.items()]
    rig.recorder.record("service", CountsRead(probed.pid, tuple(read), tuple(_problems(rig, probed))))


def _problems(rig: Rig, probed: Probed) -> Iterator[str]:
    probes = rig.target.description.probes
    if probes is None:
        return
    if probes.counts_from_zero:
        yield from (f"{series} is not shown before it was counted" for series in probes.counts.values()
                    if not _shown(probed, series))  # fmt: skip
    yield from (f"{series} is not shown" for series in probes.shows if not _shown(probed, series))
    if not probed.is_taken:
        yield f"Prometheus takes no metrics of the content type {probed.content_type!r}"
    for label, known in probes.labels.items():
        other = sorted(probed.values(label) - {*known})
        if other:
            yield f"the label {label} has {len(other)} values that it should not have: {other[0]!r}"
    if probes.tasks is not None and probed.get(probes.tasks) < 1:
        yield f"{probes.tasks} says {probed.get(probes.tasks):g} while a task of the service answers this question"


def _value(probed: Probed, series: str) -> float:
    """The counter's value; 0 if the service has not shown such a series yet."""
    name, labels = parts_of(series)
    try:
        return probed.get(name, labels)
    except HarnessError:
        return 0.0  # a counter that is never shown is told by the comparison, not by a break of the run


def _shown(probed: Probed, series: str) -> bool:
    name, labels = parts_of(series)
    return probed.shows(name, labels)
