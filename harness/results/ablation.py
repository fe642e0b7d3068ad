"""Judges a controlled pair of runs: whether this protection makes the scenario hold."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.checks import CheckResult, Verdict
from harness.checks.proof import Proof
from harness.results.result import RunResult
from harness.results.service_log import cut_within, telling_line
from harness.results.text import one_line

SHOWN_CHARACTERS = 300
WORD = re.compile(r"[\w.:+-]+")
SAID_OTHERWISE = frozenset({"outcome", "owed", "alive"})
"""Checks of what was said, not of when. A busy machine may be the reason, but not if the log has the proof's own
reason."""


class PairVerdict(enum.StrEnum):
    """The verdict of a pair of runs on its proof."""

    PROVED = "proved"
    """The control held, and the ablated run failed by the named check, for the named reason."""
    UNPROVED = "unproved"
    """The ablated run held: the protection makes no difference to this scenario."""
    MISATTRIBUTED = "misattributed"
    """The ablated run failed by another check, or for another reason."""
    MASKED = "masked"
    """The control failed too. The cause of its failure hides the protection's effect."""
    INCONCLUSIVE = "inconclusive"
    """One of the two runs proves nothing."""
    UNAVAILABLE = "unavailable"
    """This machine cannot run the scenario, or cannot run it without the protection."""


WRONG = frozenset({PairVerdict.UNPROVED, PairVerdict.MASKED, PairVerdict.MISATTRIBUTED})
"""The verdicts that refute a proof. The others confirm it, or prove nothing."""


@dataclass(frozen=True, slots=True)
class PairJudgement:
    """The verdict on a pair, and a sentence."""

    verdict: PairVerdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofResult:
    """One proof of one scenario, tried."""

    id: str
    proof: Proof
    control: RunResult
    ablated: RunResult
    judgement: PairJudgement

    @property
    def name(self) -> str:
        """`idle_pool_cut: pool.pre_ping (both without retry.database)`."""
        return f"{self.id}: {title(self.proof)}"


def title(proof: Proof) -> str:
    """What the proof switches off, and what is off in both runs. Different runs have different titles."""
    return f"{proof} (both without {', '.join(proof.without)})" if proof.without else str(proof)


def judge_pair(control: RunResult, ablated: RunResult, proof: Proof) -> PairJudgement:
    """Judge a pair: the control must hold, and the ablated run must fail as the proof says."""
    if control.verdict is Verdict.HELD:
        return judge_ablated(ablated, proof, control_log=control.service_log)
    reason = f"the control, {control.key}, was {control.verdict}: {control.reason}"
    if control.verdict is Verdict.UNAVAILABLE:
        return PairJudgement(PairVerdict.UNAVAILABLE, control.reason)
    if control.verdict is not Verdict.FAILED:
        return PairJudgement(PairVerdict.INCONCLUSIVE, reason)
    if ablated.verdict is Verdict.HELD:
        return PairJudgement(PairVerdict.UNPROVED, f"it held without {proof}, and {reason}")
    return PairJudgement(PairVerdict.MASKED, f"the control, {control.key}, failed too: {control.reason}")


def judge_ablated(ablated: RunResult, proof: Proof, *, control_log: str | None = None) -> PairJudgement:
    """Judge the ablated run: it must fail, by the named check, for the named reason.

    A reason found only in the service's log must belong to the failure. Either the control logged no such line; or the
    line names a failed delivery, and the control logged no equal line (numbers apart). `control_log`: None if there was
    no control; then any line counts.
    """
    if ablated.verdict is Verdict.HELD:
        return _held(ablated, proof)
    if ablated.verdict is Verdict.UNAVAILABLE:
        return PairJudgement(PairVerdict.UNAVAILABLE, ablated.reason)
    if ablated.verdict is not Verdict.FAILED:
        return _inconclusive(ablated, proof, control_log, f"{ablated.verdict}: {ablated.reason}")
    failing = {result.name: result for result in ablated.failing}
    if proof.fails not in failing:
        busy = next((each.excused for each in ablated.checks if each.name == proof.fails and each.excused), "")
        if busy:  # what else failed may be the same: a late answer is none that was expected
            return _inconclusive(ablated, proof, control_log, busy)
        seen = "; ".join(f"{result.name}: {result.reason}" for result in ablated.failing)
        return PairJudgement(PairVerdict.MISATTRIBUTED, f"{proof.fails} did not fail; it failed by {seen}")
    return _by_reason(ablated, proof, failing[proof.fails], control_log)


def _by_reason(ablated: RunResult, proof: Proof, failed: CheckResult, control_log: str | None) -> PairJudgement:
    """Judge whether the named check failed for the named reason."""
    if not proof.match:
        return PairJudgement(PairVerdict.PROVED, f"failed by {proof.fails}: {failed.reason}")
    for where, found in (
        (proof.fails, re.search(proof.match, failed.reason)),
        ("the service's log", _own_line(proof.match, ablated.service_log, failed.deliveries, control_log)),
    ):
        if found:
            return PairJudgement(PairVerdict.PROVED, f"failed by {proof.fails}, {_shown(found[0])!r} in {where}")
    problem = "is neither in the reason nor in the service's log"
    if re.search(proof.match, ablated.service_log):
        problem = (
            "is in the service's log, but so it is in the control's, which held, and on no line that names a"
            " delivery that failed and that the control's has not"
        )
    seen = f"{proof.match!r} {problem}; seen instead: {_seen(ablated, failed)}"
    return PairJudgement(PairVerdict.MISATTRIBUTED, seen)


def _inconclusive(ablated: RunResult, proof: Proof, control_log: str | None, why: str) -> PairJudgement:
    logged = _logged_all_the_same(ablated, proof, control_log)
    if logged:
        return PairJudgement(PairVerdict.PROVED, logged)
    return PairJudgement(PairVerdict.INCONCLUSIVE, why)


def _logged_all_the_same(ablated: RunResult, proof: Proof, control_log: str | None) -> str:
    """The named reason as the log has it, if the run is excused only by a busy machine; otherwise empty."""
    excused = {each.name: each for each in ablated.checks if each.excused}
    failed = excused.get(proof.fails)
    if failed is None or failed.name not in SAID_OTHERWISE or not proof.match:
        return ""
    if ablated.verdict is not Verdict.FAILED and ablated.reason not in {each.excused for each in excused.values()}:
        return ""
    found = _own_line(proof.match, ablated.service_log, failed.deliveries, control_log)
    return f"failed by {proof.fails} on a busy machine, {_shown(found[0])!r} in the service's log" if found else ""


def _own_line(match: str, log: str, deliveries: Sequence[str], control_log: str | None) -> re.Match[str] | None:
    """Find the reason on a log line that belongs to the failure."""
    if control_log is None or not re.search(match, control_log):
        return re.search(match, log)
    # Lines that the control logs for a delivery that then held occur in both runs, so they explain no failure.
    survived = {_shape(line) for line in control_log.splitlines()}
    failed = [re.compile(rf"{re.escape(name)}\b") for name in deliveries]
    for line in log.splitlines():
        found = re.search(match, line)
        if found and _shape(line) not in survived and any(name.search(line) for name in failed):
            return found
    return None


def _shape(line: str) -> str:
    """Return the line without the parts that always differ between runs.

    Times, ports, processes, names of deliveries.
    """
    return WORD.sub(lambda word: "#" if any(map(str.isdigit, word[0])) else word[0], line)


def _held(ablated: RunResult, proof: Proof) -> PairJudgement:
    blurred = next((each.blurred for each in ablated.checks if each.name == proof.fails and each.blurred), "")
    if blurred:
        return PairJudgement(PairVerdict.INCONCLUSIVE, f"it held without {proof}, but {blurred}")
    reason = f"it held without {proof}: nothing shows what that is good for"
    found = re.search(proof.match, ablated.service_log) if proof.match else None
    if found:
        logged = f"the service's log has {_shown(found[0])!r}"
        reason = f"it held without {proof}, though {logged}: name in `without` what makes up for it"
    return PairJudgement(PairVerdict.UNPROVED, reason)


def _shown(found: str) -> str:
    """The text that a pattern found, in one line. `.*` may have found a whole traceback; then its two ends say most."""
    return cut_within(one_line(found), SHOWN_CHARACTERS)


def _seen(ablated: RunResult, failed: CheckResult) -> str:
    line = telling_line(ablated.service_log, failed.deliveries)
    logged = f"; logged: {cut_within(line, SHOWN_CHARACTERS)}" if line else ""
    return f"{failed.name}: {failed.reason}{logged}"
