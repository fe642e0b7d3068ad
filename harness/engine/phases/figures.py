"""Figures: the numbers that a scenario sets limits for."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from harness.checks.standing.failover import lost_by_failover, write_gap
from harness.engine.observing.servers.relayed import sends_per_request
from harness.engine.observing.service.connects import connects_peak
from harness.engine.observing.service.footprint import REQUESTS_TO_TELL, MemoryWatch, bytes_per_request
from harness.engine.observing.service.probes import Probed, probe
from harness.engine.rig import Rig
from harness.engine.steps import FigureStep, Limits
from harness.errors import HarnessError, UsageError
from harness.history import History
from harness.history.events import FailedOver, FigureRead, FigureUnknown
from harness.stack.service.service import ServiceProcess
from harness.vocabulary import (
    BytesPerRequest,
    ConnectsPeak,
    Figure,
    LinesLogged,
    Metric,
    RowsLost,
    SendsPerRequest,
    WithoutWrites,
)


@dataclass(frozen=True, slots=True)
class Before:
    """The state at the start of the scenario, or of one of its blocks: the service's metrics, and its log's length.

    `memory`: samples of the service's memory as its requests ended; None for a block. `since_ns`: when a block began.
    """

    metrics: Probed | None
    memory: MemoryWatch | None
    log_size: int
    since_ns: int = 0


async def before_a_block(rig: Rig) -> Before:
    """Take the state at the beginning of a block."""
    service = rig.site.service
    return Before(await probe(rig.target, service), None, service.log.size(), time.monotonic_ns())


async def record_figures(rig: Rig, expectations: Sequence[FigureStep], before: Before) -> None:
    """Record every figure that the scenario limits, since `before`.

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
            block = isinstance(expect, Limits)
            rig.recorder.record("runner", FigureRead(expect.figure, seen, expect.at_most, expect.at_least, block))


async def _figure(rig: Rig, figure: Figure, before: Before, after: Probed | None) -> float:
    match figure:
        case SendsPerRequest():
            return await sends_per_request(rig.site, figure.link, rig.recorder.history, since_ns=before.since_ns)
        case ConnectsPeak():
            return connects_peak(rig.site, figure, rig.recorder.history, since_ns=before.since_ns)
        case BytesPerRequest():
            return _bytes_per_request(figure, before.memory)
        case RowsLost() | WithoutWrites():
            return _of_failovers(figure, rig.recorder.history)
        case LinesLogged():
            return _lines(rig.site.service, figure, before.log_size)
        case Metric() if rig.target.description.probes is not None:
            return _grown(figure, before.metrics, after)
        case _:
            mend = "name where the service's metrics are: [probes] metrics"
            raise UsageError.at("expect", "figure", repr(figure), "the target description has no [probes]", mend=mend)


def _bytes_per_request(figure: BytesPerRequest, memory: MemoryWatch | None) -> float:
    kept = None if memory is None else bytes_per_request(memory.samples)
    if kept is None:
        problem = f"{figure!r} cannot be read: {REQUESTS_TO_TELL} requests of one process are needed"
        raise HarnessError(problem, hint="send more, by lab.traffic(..., small=True)")
    return round(kept, 1)


def _of_failovers(figure: RowsLost | WithoutWrites, history: History) -> float:
    overs, gap = list(history.of(FailedOver)), write_gap(history)
    if not overs:
        raise HarnessError(f"{figure!r} cannot be read: there was no failover")
    if isinstance(figure, RowsLost):
        if any(over.lacked is None for over in overs):
            problem = f"{figure!r} cannot be read: what both nodes have stored cannot be compared"
            raise HarnessError(problem, hint="say how to list it by SQL: [stored] sql")
        return len(lost_by_failover(history))
    if gap is None:
        problem = f"{figure!r} cannot be read: nothing was acknowledged after the failover"
        raise HarnessError(problem, hint="deliver something once the standby has taken over")
    return round(gap.ratio, 2)


def _lines(service: ServiceProcess, figure: LinesLogged, since: int) -> float:
    if service.output_was_lost:
        raise HarnessError(f"{figure!r} cannot be read: the service could not write all of its log")
    return sum(re.search(figure.pattern, line) is not None for line in service.log.read(since).splitlines())


def _grown(figure: Metric, before: Probed | None, after: Probed | None) -> float:
    if before is None or after is None:
        raise HarnessError(f"{figure!r} cannot be read: the service does not run")
    if before.pid != after.pid:
        problem = f"{figure!r} cannot be read: the service was started again, and counts from 0 since then"
        raise HarnessError(problem, hint="expect a figure in a scenario that does not end the service's process")
    name, labels = figure.name, dict(figure.pairs())
    return after.get(name, labels) - before.get(name, labels)
