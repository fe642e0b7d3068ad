"""Judges a cell by the standing checks, from its history and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.checks import STANDING, Check, Judgement, Verdict, judge, safety
from harness.history import History
from harness.search.actions import is_apart
from harness.search.places import Kind
from harness.search.results import CellVerdict
from harness.search.trial import Trial
from harness.vocabulary import ACKNOWLEDGED

READ_CHECKS: Sequence[Check] = tuple(check for check in STANDING if check is not safety.acknowledged_is_stored)
"""A read is acknowledged under a name of its own, by which nothing is stored."""
_PLAIN = {
    Verdict.HELD: CellVerdict.HELD,
    Verdict.FAILED: CellVerdict.FAILED,
    Verdict.INCONCLUSIVE: CellVerdict.INCONCLUSIVE,
    Verdict.UNAVAILABLE: CellVerdict.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict of a cell, its reason, and the checks that failed."""

    verdict: CellVerdict
    reason: str
    failing: tuple[str, ...]


def judged(trial: Trial) -> Judged:
    """Judge a cell whose rows were read."""
    judgement = judge(trial.history.history, checks_of(trial.cell.kind))
    failing = tuple(check.name for check in judgement.failing)
    return Judged(_verdict(trial, judgement), judgement.reason, failing)


def checks_of(kind: Kind) -> Sequence[Check]:
    """Return the checks for a kind of delivery."""
    return READ_CHECKS if kind == "read" else STANDING


def _verdict(trial: Trial, judgement: Judgement) -> CellVerdict:
    if is_apart(trial.cell.first) and trial.struck:
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
    untouched = judgement.verdict is Verdict.HELD and all(reply.outcome == ACKNOWLEDGED for reply in trial.replies)
    return CellVerdict.HELD if untouched else CellVerdict.NOTICED


def _read_otherwise(trial: Trial, judgement: Judgement) -> bool:
    return trial.cell.kind == "read" and any(check.name == "outcome" for check in judgement.failing)


def _second_had_nothing_to_meet(trial: Trial) -> bool:
    """Of a pair the first fault struck, all was well, and nothing was tried again: only the evidence is missing."""
    if trial.cell.second is None or trial.struck != 1:
        return False
    first = History([entry for entry in trial.history.history.entries if not _of_second(entry.event)])
    return judge(first, checks_of(trial.cell.kind)).verdict is Verdict.HELD


def _of_second(event: object) -> bool:
    return getattr(event, "fault", None) == SECOND


SECOND = 2

__all__ = ["Judged", "checks_of", "judged"]
