"""Reads the service's own counters of its answers, to compare them with the clients' answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.engine.observing.counting import POOL
from harness.engine.observing.service.probes import Probed
from harness.engine.rig import Rig
from harness.errors import HarnessError
from harness.history import History
from harness.history.events import Counted, CountsRead, SeriesRead
from harness.target import Target
from harness.target.sections.outcomes import outcome_of
from harness.target.sections.series import parts_of


def record_counts(rig: Rig, probed: Probed | None, overtold: Sequence[str] = ()) -> None:
    """Record the counters of answers that the target names, and metrics that are missing or impossible.

    `overtold`: connections that it reports but that did not exist within `recovery_s`.
    """
    probes = rig.target.description.probes
    if probes is None or probed is None:
        return
    read = [SeriesRead(outcome_of(name), series, _value(probed, series)) for name, series in probes.counts.items()]
    waited_s = rig.recovery_s if overtold else 0.0
    counts = CountsRead(probed.pid, tuple(read), tuple(_problems(rig, probed)), tuple(overtold), waited_s)
    rig.recorder.record("service", counts)


def _problems(rig: Rig, probed: Probed) -> Iterator[str]:
    probes = rig.target.description.probes
    if probes is None:
        return
    if probes.counts_from_zero:
        yield from (f"{series} is not shown before it was counted" for series in probes.counts.values()
                    if not _shown(probed, series))  # fmt: skip
    yield from (f"{series} is not shown" for series in probes.shows if not _shown(probed, series))
    yield from below_zero(rig.target, rig.recorder.history)
    if probes.always_shown:
        yield from not_shown(rig.recorder.history)
    if not probed.is_taken:
        yield f"Prometheus takes no metrics of the content type {probed.content_type!r}"
    for label, known in probes.labels.items():
        other = sorted(probed.values(label) - {*known})
        if other:
            yield f"the label {label} has {len(other)} values that it should not have: {other[0]!r}"
    if probes.tasks is not None and probed.get(probes.tasks) < 1:
        yield f"{probes.tasks} says {probed.get(probes.tasks):g} while a task of the service answers this question"


def below_zero(target: Target, history: History) -> Iterator[str]:
    """The links for which the service ever reported a negative number of connections."""
    probes = target.description.probes
    told = {series for link in target.description.links.values() for series in link.told_by}
    for label, series in (probes.pool if probes else {}).items():
        said = [each.seen for each in history.of(Counted) if each.of == POOL and each.what == label]
        least = min((seen for seen in said if seen is not None), default=0.0)
        if series in told and least < 0:
            yield f"{series} was {least:g} for a time, and it counts connections"


def not_shown(history: History) -> Sequence[str]:
    """The service's answers during the run that did not show its metrics, each once."""
    told = (each.problem for each in history.of(Counted) if each.of == POOL and each.status is not None)
    return list(dict.fromkeys(told))


def _value(probed: Probed, series: str) -> float:
    """The counter's value; 0 if the service has not shown such a series yet."""
    name, labels = parts_of(series)
    try:
        return probed.get(name, labels)
    except HarnessError:
        return 0.0  # the comparison reports a counter that is never shown; the run does not break


def _shown(probed: Probed, series: str) -> bool:
    name, labels = parts_of(series)
    return probed.shows(name, labels)
