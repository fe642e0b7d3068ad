"""Turns a history into a verdict. It contacts no server and ignores no failure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.checks.clock import machine_was_busy
from harness.checks.facts.exchanges import AGAIN_MAX, acknowledged_by_steps, exchanges, sent_again
from harness.checks.leaks import leaked_sessions
from harness.checks.promises import out_of_order, strange_evidence, unread_rows
from harness.checks.registry import Check
from harness.checks.standing.goodput import not_overloaded
from harness.checks.standing.order import STANDING
from harness.checks.standstill import too_busy_for_it
from harness.checks.unfelt_faults import not_felt
from harness.checks.verdict import CheckResult, Verdict
from harness.faults.fault import Fault
from harness.history import History
from harness.history.events import (
    AtRest,
    EvidenceSeen,
    FaultActed,
    FaultHealed,
    FigureUnknown,
    HarnessProblem,
    MachineLacks,
    MomentMissed,
    NotSteady,
    Recovered,
    RestUnknown,
    RowsUnknown,
    RunBegan,
    ScenarioProblem,
    ServerCrashed,
    ServerDied,
    ServerUnusable,
)
from harness.vocabulary import Moment

NOT_STEADY = "steady state was not reached: "


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict of a run, and why.

    For example::

        judgement = judge(history)
        assert judgement.verdict is Verdict.HELD, judgement.reason

    Args:
        verdict: the verdict.
        reason: one sentence; empty if the run held.
        checks: the result of each check, in the order of their definitions.
    """

    verdict: Verdict
    reason: str
    checks: tuple[CheckResult, ...]

    @property
    def failing(self) -> tuple[CheckResult, ...]:
        """The checks that failed, the most telling first."""
        return _failing(self.checks)


def judge(history: History, checks: Sequence[Check] = STANDING) -> Judgement:
    """Judge one run. A check that crashes makes it inconclusive, unless a row is wrong.

    For example::

        judgement = judge(read_history(path))

    Wrong rows outrank everything. A doubt makes the run inconclusive, even if a check failed, with four exceptions. In
    three cases an earlier failure still counts, if every fault left evidence: a moment did not come; a fault left a
    server unusable for the harness, too; the machine lacks something for a later step. Fourth: if a fault left no
    evidence, a failure of a request that had ended before that fault counts. A failure by a clock does not count if
    the machine was too busy, but such a run is never held.

    It is also a doubt if the history lacks something or has it in the wrong order: see `promises`.

    A run is not held by default. It must contain a request of the scenario, a fault (or the scenario's statement that
    there is none), recovery, rest, and deliveries that were sent again.

    Args:
        history: what was recorded of the run.
        checks: the checks to run; by default all standing checks.

    Returns:
        The verdict with its reason, and every check's result.
    """
    results, crashes = _run(checks, history)
    results = tuple(_excused(each, history) for each in results)
    failing = _failing(results)
    unsafe = [result for result in failing if result.safety]
    if unsafe:
        return Judgement(Verdict.FAILED, _sentence(unsafe[0]), results)
    broken = [*crashes, *_broken(history)]
    lacks = [f"needs {lack.need}: {lack.reason}" for lack in history.of(MachineLacks)]
    excused = [*lacks, *_unusable(history), *map(_missed, _moments_missed(history))]
    unproven = list(_without_evidence(history))
    doubts = [*broken, *excused, *unproven, *_broken_promises(history)]
    firm = [result for result in failing if result.firm]
    if doubts == unproven:
        firm = [result for result in firm if _was_there_before(result, history)]
    elif doubts != excused or history.last(FaultActed) is None:
        firm = []
    if doubts and firm:
        return Judgement(Verdict.FAILED, f"{_sentence(firm[0])}; besides, {doubts[0]}", results)
    if lacks and not broken:
        return Judgement(Verdict.UNAVAILABLE, lacks[0], results)
    if doubts:
        return Judgement(Verdict.INCONCLUSIVE, doubts[0], results)
    if failing:
        return Judgement(Verdict.FAILED, _sentence(failing[0]), results)
    missing = next((result.excused for result in results if result.excused), "") or _missing(history)
    return Judgement(Verdict.INCONCLUSIVE if missing else Verdict.HELD, missing, results)


def _failing(results: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    return tuple(sorted((each for each in results if each.counts), key=lambda each: each.told_last))


def _run(checks: Sequence[Check], history: History) -> tuple[tuple[CheckResult, ...], list[str]]:
    results: list[CheckResult] = []
    crashes: list[str] = []
    for check in checks:
        try:
            results.append(check(history))
        except Exception as problem:  # noqa: BLE001  # recorded as the reason of an inconclusive verdict
            crashes.append(f"check {check.name} crashed: {problem!r}")
            results.append(CheckResult(check.name, False, saw=f"crashed: {problem!r}"))
    return tuple(results), crashes


def _excused(result: CheckResult, history: History) -> CheckResult:
    """Say why a failure by a clock does not count, if the machine was busy in each of its spans."""
    busy = [machine_was_busy(history, late) for late in result.clock]
    if not busy or not all(busy):
        return result
    return dataclasses.replace(result, excused=f"{busy[0]}; so this does not count: {_sentence(result)}")


def _missing(history: History) -> str:
    """Return what a run lacks to be held, although no check failed."""
    if not any(exchange.judged for exchange in exchanges(history)):
        return "the scenario sent nothing: there is nothing to judge"
    if history.last(FaultActed) is None:
        return "the scenario injected no fault: inject `no_fault` if it is meant to have none"
    if history.last(Recovered) is None:
        return "whether the service recovers was never checked"
    unread = history.last(RowsUnknown)
    if unread is not None:
        return f"what is stored was not read: {unread.reason}"
    return not_overloaded(history) or not_felt(history) or _not_looked_at(history) or _not_sent_again(history)


def _not_looked_at(history: History) -> str:
    began = history.last(RunBegan)
    seen = {rest.name for rest in history.of(AtRest)} | {rest.name for rest in history.of(RestUnknown)}
    missing = [what for what in (began.at_rest if began else ()) if what not in seen]
    return f"never checked at rest: {', '.join(missing)}" if missing else ""


def _not_sent_again(history: History) -> str:
    again = sent_again(history)
    owed = [delivery for delivery in acknowledged_by_steps(history) if delivery not in again]
    if not owed or len(again) >= AGAIN_MAX:
        return ""
    return f"acknowledged, but never sent again: {len(owed)} deliveries; the first: {owed[0][0]}"


def _sentence(result: CheckResult) -> str:
    return f"{result.name}: {result.reason}"


def _broken(history: History) -> Iterator[str]:
    """Return why the run proves nothing, the most telling reason first."""
    # A server's death comes first: it makes the harness fail too.
    for death in (death for death in history.of(ServerDied) if death.fault is None):
        end = f"status {death.status}; the end of its output:\n{death.log_tail}"
        yield f"{death.told}: {end}"
    for crash in (crash for crash in history.of(ServerCrashed) if crash.fault is None):
        yield crash.told
    for mistake in (problem for problem in history.of(ScenarioProblem) if problem.wrong):
        yield f"the scenario is wrong: {mistake.text}"
    for problem in history.of(HarnessProblem):
        yield f"the harness broke: {problem.text}{_left_in_force(history)}"
    for leaked, other in leaked_sessions(history):
        if other is not None:
            yield f"{leaked.told}; {other!r} was in force, and may be why"
    unsteady = history.last(NotSteady)
    if unsteady is not None and history.last(Recovered) is None:
        # After a recovery it is the service's own failure: check `recovers`.
        busy = too_busy_for_it(history)
        yield f"{busy}; so {NOT_STEADY}{unsteady.reason}" if busy else f"{NOT_STEADY}{unsteady.reason}"
    # A moment that the harness itself waited for, to prepare a sweep's cell or an order, is not a scenario's.
    for missed in history.of(MomentMissed):
        if not isinstance(missed.moment, Moment) and not missed.claim:
            yield _missed(missed)


def _unusable(history: History) -> Iterator[str]:
    """Things that the harness could not do on servers that the scenario itself shut down or changed."""
    for found in (found for found in history.of(ServerUnusable) if not found.over):
        yield (
            f"{found.fault!r} left its server unusable for the harness: {found.doing}: {found.problem}"
            "; to let the run continue, give the fault undo=, which is run at heal"
        )


def _moments_missed(history: History) -> Iterator[MomentMissed]:
    """Return moments that did not come, except claims about the service, which the check `reached` judges."""
    return (missed for missed in history.of(MomentMissed) if isinstance(missed.moment, Moment) and not missed.claim)


def _missed(moment: MomentMissed) -> str:
    return f"{moment.moment!r} did not come in {moment.within_s:g} s: {moment.detail}"


def _without_evidence(history: History) -> Iterator[str]:
    """Yield the missing evidence: of a fault, or of a figure."""
    for unknown in history.of(FigureUnknown):
        yield unknown.reason
    instead = {healed.number: healed.instead for healed in history.of(FaultHealed)}
    for acted in _unproven(history):
        seen = f"; seen instead: {instead[acted.number]}" if instead.get(acted.number) else ""
        yield f"{acted.fault!r} left no evidence that the service felt it{seen}"


def _broken_promises(history: History) -> Iterator[str]:
    """Yield what every history must contain but this one lacks.

    If the scenario made a server unusable for the harness, that is the reason for what the harness could not do.
    """
    yield from strange_evidence(history)
    if not any(_unusable(history)):
        yield from out_of_order(history)
        yield from unread_rows(history)


def _unproven(history: History) -> Iterator[FaultActed]:
    """The faults that acted and should have left evidence, but left none."""
    proven = {evidence.number for evidence in history.of(EvidenceSeen)}
    for acted in history.of(FaultActed):
        if acted.number not in proven and not (isinstance(acted.fault, Fault) and not acted.fault.leaves_evidence):
            yield acted


def _was_there_before(result: CheckResult, history: History) -> bool:
    """Whether a request that failed it had ended before the first fault that left no evidence acted."""
    unproven = {acted.number for acted in _unproven(history)}
    acted_ns = [entry.t_ns for entry, acted in history.placed(FaultActed) if acted.number in unproven]
    return result.seen_ns is not None and bool(acted_ns) and result.seen_ns < min(acted_ns)


def _left_in_force(history: History) -> str:
    """Name the last fault that changed a server for good: it may be why the harness broke."""
    left = [acted.fault for acted in history.of(FaultActed) if isinstance(acted.fault, Fault) and acted.fault.lasting]
    return f"; if {left[-1]!r} is the cause, give it undo=, which is run at heal" if left else ""
