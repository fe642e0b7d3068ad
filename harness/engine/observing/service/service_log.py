"""Reads unhandled exceptions, answers and times from the service's log."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from harness.engine.rig import Rig
from harness.engine.workload.outgoing import CLOCK_TOLERANCE_S, name_of, seconds_of
from harness.faults.processes.clock import Clock
from harness.history.events import (
    AnswersLogged,
    FaultActed,
    LoggedFor,
    LogRead,
    RunBegan,
    ServiceNotStarted,
    UnhandledLogged,
)
from harness.target.sections.outcomes import outcome_of

LINE_CHARACTERS_KEPT = 300
TRACEBACK = "Traceback (most recent call last):"


def record_unhandled(rig: Rig, lines: Sequence[str]) -> None:
    """Record each of these lines of the service's log that reports an unhandled exception."""
    for logged in unhandled_in(lines, rig.target.description.service.unhandled):
        rig.recorder.record("service", logged)


def unhandled_in(lines: Sequence[str], unhandled: str) -> Iterator[UnhandledLogged]:
    """Return the lines that the expression finds.

    A line that begins a traceback, or is above it, gets its last line.
    """
    expression = re.compile(unhandled)
    for number, line in enumerate(lines):
        if expression.search(line):
            begins = next((at for at in (number, number + 1) if lines[at : at + 1] and TRACEBACK in lines[at]), None)
            closing = "" if begins is None else _closing(lines, begins)
            yield UnhandledLogged(line[:LINE_CHARACTERS_KEPT], closing[:LINE_CHARACTERS_KEPT])


def _closing(lines: Sequence[str], number: int) -> str:
    """The last line of a Python traceback: the first one that is not indented, unlike the frames before it."""
    following = (lines[each] for each in range(number + 1, len(lines)))
    return next((line for line in following if line.strip() and not line.startswith(" ")), "")


def record_log(rig: Rig, lines: Sequence[str]) -> None:
    """Record how many lines there are, and which have a wrong time. If output was lost, record nothing.

    If the service did not start, its log is not judged: its last lines are for the person who starts it.
    """
    if rig.site.service.output_was_lost:
        return
    described = rig.target.description.log
    began = rig.recorder.history.last(RunBegan)
    judged = lines if described.dated is not None and began is not None and not _has_no_times(rig) else []
    after_s = 0.0 if began is None else seconds_of(began.wall_clock)
    wrong = [line for line in judged if not _written_between(line, described.dated or "", after_s, time.time())]
    shown = wrong[0][:LINE_CHARACTERS_KEPT] if wrong else ""
    rig.recorder.record("service", LogRead(len(lines), len(judged), len(wrong), shown, described.lines_per_request))


def _written_between(line: str, dated: str, after_s: float, before_s: float) -> bool:
    found = re.search(dated, line)
    try:
        at_s = math.nan if found is None else seconds_of(found["time"], zone=None)
    except ValueError:
        return False
    return after_s - CLOCK_TOLERANCE_S <= at_s <= before_s + CLOCK_TOLERANCE_S


def _has_no_times(rig: Rig) -> bool:
    """Whether the log may hold lines without a time, or with another clock's."""
    history = rig.recorder.history
    clock_was_set = any(isinstance(acted.fault, Clock) for acted in history.of(FaultActed))
    return clock_was_set or any(history.of(ServiceNotStarted))


def record_answers_logged(rig: Rig, lines: Sequence[str]) -> None:
    """Record the deliveries whose answers these lines report, by the outcomes that the target names.

    If the service's output was lost for a time, nothing is recorded: lines may be missing.
    """
    if rig.site.service.output_was_lost:
        return
    for name, pattern in rig.target.description.log.tells.items():
        expression = re.compile(pattern)
        found = Counter(name_of(match.groupdict()) for line in lines if (match := expression.search(line)))
        logged = tuple(LoggedFor(delivery, times) for delivery, times in found.items())
        rig.recorder.record("service", AnswersLogged(outcome_of(name), logged, "source" in expression.groupindex))
