"""Turns the run of a mutant into its verdict."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.checks import Verdict
from harness.proof.mutants import Mutant, MutantList
from harness.results import RunResult
from harness.results.ablation import PairVerdict, judge_pair
from harness.results.finding import Finding

SECTION = "mutants"


class MutantVerdict(enum.StrEnum):
    """The verdict on a mutant."""

    KILLED = "killed"
    """The scenario failed by the named check, for the named reason."""
    SURVIVED = "survived"
    """The scenario held: it does not notice the change."""
    MISATTRIBUTED = "misattributed"
    """The scenario failed by another check, or for another reason."""
    STILLBORN = "stillborn"
    """The service never served. Every scenario would notice that, so the entry shows nothing."""
    MASKED = "masked"
    """The scenario did not hold against an unchanged copy of the service either."""
    INCONCLUSIVE = "inconclusive"
    """The run proves nothing."""
    UNAVAILABLE = "unavailable"
    """This machine cannot run the scenario."""
    EQUIVALENT = "equivalent"
    """It was not run: the list says why no test can distinguish it from the service."""


OF_PAIRS: Mapping[PairVerdict, MutantVerdict] = {
    PairVerdict.PROVED: MutantVerdict.KILLED,
    PairVerdict.UNPROVED: MutantVerdict.SURVIVED,
    PairVerdict.MISATTRIBUTED: MutantVerdict.MISATTRIBUTED,
    PairVerdict.MASKED: MutantVerdict.MASKED,
    PairVerdict.INCONCLUSIVE: MutantVerdict.INCONCLUSIVE,
    PairVerdict.UNAVAILABLE: MutantVerdict.UNAVAILABLE,
}
FINE = frozenset({MutantVerdict.KILLED, MutantVerdict.EQUIVALENT, MutantVerdict.UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantResult:
    """A mutant and its verdict. `history`: its run's, relative to the results' folder; None if it was not run."""

    mutant: Mutant
    verdict: MutantVerdict
    reason: str
    failing_checks: tuple[str, ...] = ()
    history: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the fields by name."""
        mutant = self.mutant
        return {
            "id": mutant.id,
            "file": mutant.file,
            "where": mutant.where,
            "before": mutant.before,
            "after": mutant.after,
            "scenario": mutant.scenario or None,
            "without": list(mutant.without),
            "fails": mutant.fails or None,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "failing_checks": list(self.failing_checks),
            "history": self.history,
        }

    @property
    def finding(self) -> Finding | None:
        """Return what is wrong with it, or None."""
        if self.verdict in FINE:
            return None
        unsure = self.verdict is MutantVerdict.INCONCLUSIVE
        sentence = f"mutant {self.mutant.id} ({self.mutant.file}) {_is(self.verdict)}: {self.reason}"
        return Finding(SECTION, self.mutant.id, self.verdict.value, sentence, inconclusive=unsure)


def _is(verdict: MutantVerdict) -> str:
    return verdict.value if verdict is MutantVerdict.SURVIVED else f"is {verdict.value}"


def equivalent(mutant: Mutant) -> MutantResult:
    """Return the result of an equivalent mutant, which is not run."""
    return MutantResult(mutant=mutant, verdict=MutantVerdict.EQUIVALENT, reason=mutant.equivalent)


def judge_unrun(mutant: Mutant, control: RunResult, listed: MutantList) -> MutantResult:
    """Return the result of a mutant that was not run, because its scenario did not hold against the `control` copy."""
    judged = judge_pair(control, control, mutant.proof)
    verdict, reason = OF_PAIRS[judged.verdict], judged.reason
    if verdict is not MutantVerdict.UNAVAILABLE:
        copied = ", ".join(listed.copies)
        mend = f"if it holds in `harness gate`, name in `copies` of {listed.path} what the copy lacks"
        reason = f"against an unchanged copy of {copied}, {reason}; {mend}"
    return MutantResult(mutant=mutant, verdict=verdict, reason=reason)


def judge_mutant(mutant: Mutant, control: RunResult, mutated: RunResult, history: str | None) -> MutantResult:
    """Judge the run of a mutated copy. `control`: of the same scenario against an unchanged copy, which held."""
    judged = judge_pair(control, mutated, mutant.proof)
    verdict, reason = OF_PAIRS[judged.verdict], judged.reason
    if mutated.verdict is Verdict.INCONCLUSIVE and mutated.never_steady:
        verdict, reason = MutantVerdict.STILLBORN, f"it never served, so its entry shows nothing: {mutated.reason}"
    elif verdict is MutantVerdict.SURVIVED:
        reason = f"{mutant.scenario} held: nothing shows that {mutant.before.strip()!r} matters"
    return MutantResult(
        mutant=mutant, verdict=verdict, reason=reason, failing_checks=mutated.failing_checks, history=history
    )


def section_of(path: str, results: Sequence[MutantResult]) -> dict[str, Any]:
    """Return the section of the summary. `path`: the list's path."""
    return {"list": path, "counts": counted(results), "mutants": [each.to_json() for each in results]}


def counted(results: Sequence[MutantResult]) -> dict[str, int]:
    """How many there are of each verdict."""
    found = [each.verdict for each in results]
    return {verdict.value: found.count(verdict) for verdict in MutantVerdict if verdict in found}
