"""Figures: the numbers that a scenario sets limits for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.engine.observing.connects import connects_peak
from harness.engine.observing.footprint import REQUESTS_TO_TELL, MemoryWatch, bytes_per_request
from harness.engine.observing.probes import Probed, probe
from harness.engine.observing.relayed import sends_per_request
from harness.engine.rig import Rig
from harness.engine.steps import Expect
from harness.errors import HarnessError, UsageError
from harness.history.events import FigureRead, FigureUnknown
from harness.stack.service import ServiceProcess
from harness.vocabulary import BytesPerRequest, ConnectsPeak, Figure, LinesLogged, Metric, SendsPerRequest


@dataclass(frozen=True, slots=True)
class Before:
    """What was known when the scenario began: the service's metrics, its memory, and how long its log was."""

    metrics: Probed | None
    memory: MemoryWatch
    log_size: int


async def record_figures(rig: Rig, expectations: Sequence[Expect], before: Before) -> None:
    """Record every figure that the scenario limits.

    Raises UsageError for a figure that this target cannot have. A figure that only this run lacks is recorded as
    unknown, with the reason.
    """
    if not expectations:
        return
    after = await probe(rig.target, rig.site.service)
    for expect in expectations:
        try:
            seen = await _figure(rig, expect.figure, before, after)
        except UsageError:
            raise
        except HarnessError as problem:
            rig.recorder.record("runner", FigureUnknown(expect.figure, str(problem)))
        else:
            rig.recorder.record("runner", FigureRead(expect.figure, seen, expect.at_most, expect.at_least))


async def _figure(rig: Rig, figure: Figure, before: Before, after: Probed | None) -> float:
    match figure:
        case SendsPerRequest():
            return await sends_per_request(rig.site, figure.link, rig.recorder.history)
        case ConnectsPeak():
            return connects_peak(rig.site, figure, rig.recorder.history)
        case BytesPerRequest():
            return _bytes_per_request(figure, before.memory)
        case LinesLogged():
            return _lines(rig.site.service, figure, before.log_size)
        case Metric() if rig.target.description.probes is not None:
            return _grown(figure, before.metrics, after)
        case _:
            mend = "name where the service's metrics are: [probes] metrics"
            raise UsageError.at("expect", "figure", repr(figure), "the target description has no [probes]", mend=mend)


def _bytes_per_request(figure: BytesPerRequest, memory: MemoryWatch) -> float:
    kept = bytes_per_request(memory.samples)
    if kept is None:
        problem = f"{figure!r} cannot be read: {REQUESTS_TO_TELL} requests of one process are needed"
        raise HarnessError(problem, hint="send more, by lab.traffic(..., small=True)")
    return round(kept, 1)


def _lines(service: ServiceProcess, figure: LinesLogged, since: int) -> float:
    if service.output_was_lost:
        raise HarnessError(f"{figure!r} cannot be read: the service's log is not all that it said")
    return sum(re.search(figure.pattern, line) is not None for line in service.log.read(since).splitlines())


def _grown(figure: Metric, before: Probed | None, after: Probed | None) -> float:
    if before is None or after is None:
        raise HarnessError(f"{figure!r} cannot be read: the service does not run")
    if before.pid != after.pid:
        problem = f"{figure!r} cannot be read: the service was started again, and counts from 0 since then"
        raise HarnessError(problem, hint="expect a figure where the service's process is left alone")
    name, labels = figure.name, dict(figure.pairs())
    return after.get(name, labels) - before.get(name, labels)
