"""Judges a cell by the standing checks, from its history and rows."""

from __future__ import annotations

from dataclasses import dataclass

from harness.checks import Judgement, Verdict, judge, most_telling
from harness.history import History
from harness.history.events import EvidenceSeen, FaultActed, FaultHealed
from harness.results.cause import Cause
from harness.search.sweep.cells.trial import Trial
from harness.search.sweep.results import CellVerdict
from harness.vocabulary import ACKNOWLEDGED

WRONG = (CellVerdict.FAILED, CellVerdict.SILENT)
_PLAIN = {
    Verdict.HELD: CellVerdict.HELD,
    Verdict.FAILED: CellVerdict.FAILED,
    Verdict.INCONCLUSIVE: CellVerdict.INCONCLUSIVE,
    Verdict.UNAVAILABLE: CellVerdict.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict of a cell, its reason, the checks that failed, and the cause if it failed."""

    verdict: CellVerdict
    reason: str
    failing: tuple[str, ...]
    cause: Cause | None


def judged(trial: Trial) -> Judged:
    """Judge a cell whose rows have been read."""
    judgement = judge(trial.rig.recorder.history)
    failing = tuple(check.name for check in judgement.failing)
    verdict = _verdict(trial, judgement)
    return Judged(verdict, judgement.reason, failing, _cause(trial, judgement) if verdict in WRONG else None)


def _cause(trial: Trial, judgement: Judgement) -> Cause | None:
    first = most_telling(judgement.failing)
    if first is None:
        return None
    points = (trial.cell.first, trial.cell.second)
    where = {point.place.protocol for point in points if point is not None}
    return Cause(first.name, first.symptom, tuple(sorted(where)))


def _verdict(trial: Trial, judgement: Judgement) -> CellVerdict:
    if trial.judged_apart:
        return _apart(trial, judgement)
    if judgement.verdict is Verdict.INCONCLUSIVE and _second_had_nothing_to_meet(trial):
        return CellVerdict.UNMET
    return _PLAIN[judgement.verdict]


def _apart(trial: Trial, judgement: Judgement) -> CellVerdict:
    """Garbled bytes are noticed, unless something false was confirmed or stored."""
    if any(check.safety for check in judgement.failing) or _read_otherwise(trial, judgement):
        return CellVerdict.SILENT
    if judgement.verdict is Verdict.INCONCLUSIVE:
        return CellVerdict.INCONCLUSIVE
    untouched = judgement.verdict is Verdict.HELD and all(answer.outcome == ACKNOWLEDGED for answer in trial.answers)
    return CellVerdict.HELD if untouched else CellVerdict.NOTICED


def _read_otherwise(trial: Trial, judgement: Judgement) -> bool:
    return trial.cell.kind == "read" and any(check.name == "outcome" for check in judgement.failing)


def _second_had_nothing_to_meet(trial: Trial) -> bool:
    """Return whether a pair's first fault struck, everything held, and no retry came that the second could meet.

    If messages for the second came again but it did not strike, the cell is inconclusive.
    """
    if trial.cell.second is None or trial.struck != 1 or trial.came_again:
        return False
    first = History([entry for entry in trial.rig.recorder.history.entries if not _of_second(entry.event)])
    return judge(first).verdict is Verdict.HELD


def _of_second(event: object) -> bool:
    return isinstance(event, FaultActed | EvidenceSeen | FaultHealed) and event.number == SECOND


SECOND = 2

__all__ = ["Judged", "judged"]
