"""Judges a controlled pair of runs: whether it is this protection that holds the scenario."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from harness.checks import Verdict
from harness.checks.proof import Proof
from harness.results.result import RunResult
from harness.results.text import one_line, shortened, telling_lines

SHOWN_CHARACTERS = 300


class PairVerdict(enum.StrEnum):
    """What a pair of runs says of a proof."""

    PROVED = "proved"
    """The control held, and the ablated run failed by the named check, for the named reason."""
    UNPROVED = "unproved"
    """The ablated run held: the protection makes no difference to this scenario."""
    MASKED = "masked"
    """The ablated run held, though the reason is in the service's log: another protection made up for it."""
    MISATTRIBUTED = "misattributed"
    """The ablated run failed by another check, or for another reason."""
    INCONCLUSIVE = "inconclusive"
    """One of the two runs says nothing: the control did not hold, or the ablated run was not judged."""


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
    """What the proof takes away, and what is away in both of its runs: unlike for unlike runs."""
    return f"{proof} (both without {', '.join(proof.without)})" if proof.without else str(proof)


def judge_pair(control: RunResult, ablated: RunResult, proof: Proof) -> PairJudgement:
    """Judge a pair: the control must hold, the ablated run must fail as the proof says."""
    if control.verdict is not Verdict.HELD:
        reason = f"the control, {control.key}, was {control.verdict}: {control.reason}"
        return PairJudgement(PairVerdict.INCONCLUSIVE, reason)
    return judge_ablated(ablated, proof)


def judge_ablated(ablated: RunResult, proof: Proof) -> PairJudgement:
    """Judge the second half of a pair alone: it must fail, by the named check, for the named reason."""
    if ablated.verdict is Verdict.HELD:
        return _held(ablated, proof)
    if ablated.verdict is not Verdict.FAILED:
        return PairJudgement(PairVerdict.INCONCLUSIVE, f"{ablated.verdict}: {ablated.reason}")
    failing = {result.name: result.reason for result in ablated.failing}
    if proof.fails not in failing:
        seen = "; ".join(f"{name}: {reason}" for name, reason in failing.items())
        return PairJudgement(PairVerdict.MISATTRIBUTED, f"{proof.fails} did not fail; it failed by {seen}")
    for where, text in ((proof.fails, failing[proof.fails]), ("the service's log", ablated.service_log)):
        found = re.search(proof.match, text)
        if found:
            what = f", {one_line(found[0])!r} in {where}" if proof.match else f": {failing[proof.fails]}"
            return PairJudgement(PairVerdict.PROVED, f"failed by {proof.fails}{what}")
    reason = f"{proof.match!r} is neither in the reason nor in the service's log; seen instead: {_seen(ablated, proof)}"
    return PairJudgement(PairVerdict.MISATTRIBUTED, reason)


def _held(ablated: RunResult, proof: Proof) -> PairJudgement:
    found = re.search(proof.match, ablated.service_log) if proof.match else None
    if found:
        reason = f"it held, though the service's log has {one_line(found[0])!r}: name in `without` what makes up for it"
        return PairJudgement(PairVerdict.MASKED, reason)
    return PairJudgement(PairVerdict.UNPROVED, f"it held without {proof}: nothing shows what that is good for")


def _seen(ablated: RunResult, proof: Proof) -> str:
    reason = next(result.reason for result in ablated.failing if result.name == proof.fails)
    lines = telling_lines(ablated.service_log)
    logged = f"; last logged: {shortened(one_line(lines[0]), SHOWN_CHARACTERS)}" if lines else ""
    return f"{proof.fails}: {reason}{logged}"
