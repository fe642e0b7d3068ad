"""Judges each protection and each scenario by the proofs that were tried."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.checks import Verdict
from harness.checks.proof import Proof
from harness.results import RunResult
from harness.results.ablation import PairVerdict, ProofResult, title
from harness.results.finding import Finding
from harness.scenario.scenario import Scenario
from harness.target.sections.protections import protection_of

SECTION = "ablation"


class TeethVerdict(enum.StrEnum):
    """The judgement on a protection or a scenario."""

    PROVED = "proved"
    """A protection: with only this switched off, a scenario fails as it says. A scenario: something makes it fail.
    """
    UNPROVED = "unproved"
    """A protection: no scenario fails without it."""
    TOOTHLESS = "toothless"
    """A scenario: nothing that its proofs name makes it fail."""
    INCONCLUSIVE = "inconclusive"
    """None of its proofs could be judged."""
    UNAVAILABLE = "unavailable"
    """This machine cannot run its proof."""


@dataclass(frozen=True, slots=True)
class Standpoint:
    """A protection or a scenario, its judgement, and the reason in a sentence.

    `by`: the names of the proofs that prove it. `scenarios`: the ids of those proofs' scenarios, each once.
    """

    name: str
    verdict: TeethVerdict
    by: tuple[str, ...]
    reason: str
    scenarios: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the fields by name."""
        return {"name": self.name, "verdict": self.verdict.value, "by": list(self.by), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Teeth:
    """The judgements on all protections and scenarios."""

    protections: Sequence[Standpoint]
    scenarios: Sequence[Standpoint]

    def to_json(self) -> dict[str, Any]:
        """Return the content of the summary's section `ablation`."""
        return {
            "protections": [each.to_json() for each in self.protections],
            "scenarios": [each.to_json() for each in self.scenarios],
        }

    def findings(self) -> Sequence[Finding]:
        """The problems among them."""
        return [
            Finding(SECTION, each.name, each.verdict.value, f"{each.name} is {each.verdict}: {each.reason}",
                    inconclusive=each.verdict is TeethVerdict.INCONCLUSIVE)
            for each in (*self.protections, *self.scenarios)
            if each.verdict not in {TeethVerdict.PROVED, TeethVerdict.UNAVAILABLE}
        ]  # fmt: skip


def proves_alone(protections: Sequence[str]) -> str | None:
    """Return the protection of a proof that switches off exactly one: no variant, and nothing else."""
    if len(protections) == 1 and ":" not in protections[0]:
        return protections[0]
    return None


def teeth_of(
    scenarios: Sequence[Scenario],
    runs: Sequence[RunResult],
    proofs: Sequence[ProofResult],
    *,
    protections: Collection[str],
    whole: bool,
) -> Teeth:
    """Judge the proofs.

    `runs`: all runs, which show what is unavailable. `protections`: all that the target has. Unless the `whole` suite
    was chosen, only protections that its proofs name count.
    """
    absent = {run.key.id for run in runs if run.verdict is Verdict.UNAVAILABLE}
    about = {name for scenario in scenarios for proof in scenario.proofs if (name := proves_alone(proof.protections))}
    wanted = [name for name in protections if whole or name in about]
    return Teeth(
        protections=[_protection(name, scenarios, proofs, absent) for name in wanted],
        scenarios=[_scenario(scenario, proofs, absent) for scenario in scenarios],
    )


def _protection(
    name: str, scenarios: Sequence[Scenario], proofs: Sequence[ProofResult], absent: Collection[str]
) -> Standpoint:
    named_by = [s.id for s in scenarios if any(proves_alone(proof.protections) == name for proof in s.proofs)]
    tried = [proof for proof in proofs if proves_alone(proof.proof.protections) == name]
    if not named_by:
        return Standpoint(name, TeethVerdict.UNPROVED, (), _nobody(name, scenarios))
    if not tried and set(named_by) <= set(absent):
        return Standpoint(name, TeethVerdict.UNAVAILABLE, (), f"this machine cannot run {', '.join(named_by)}")
    return _judged(name, tried, TeethVerdict.UNPROVED)


def _nobody(name: str, scenarios: Sequence[Scenario]) -> str:
    jointly = [
        f"{scenario.id} ({title(proof)})"
        for scenario in scenarios
        for proof in scenario.proofs
        if _speaks_of(proof, name)
    ]
    if jointly:
        return f"no scenario takes it away by itself; together with others, or in another way: {', '.join(jointly)}"
    return "no scenario names it in `proves`"


def _speaks_of(proof: Proof, name: str) -> bool:
    return any(protection_of(protection) == name for protection in proof.protections)


def _scenario(scenario: Scenario, proofs: Sequence[ProofResult], absent: Collection[str]) -> Standpoint:
    if scenario.id in absent:
        return Standpoint(scenario.id, TeethVerdict.UNAVAILABLE, (), "this machine cannot run it")
    tried = [proof for proof in proofs if proof.id == scenario.id]
    return _judged(scenario.id, tried, TeethVerdict.TOOTHLESS)


def _judged(name: str, tried: Sequence[ProofResult], otherwise: TeethVerdict) -> Standpoint:
    proved = [proof for proof in tried if proof.judgement.verdict is PairVerdict.PROVED]
    if proved:
        names, ids = tuple(proof.name for proof in proved), tuple(dict.fromkeys(proof.id for proof in proved))
        return Standpoint(name, TeethVerdict.PROVED, names, "", ids)
    if not tried:
        return Standpoint(name, TeethVerdict.INCONCLUSIVE, (), "none of its proofs was tried")
    verdicts = {proof.judgement.verdict for proof in tried}
    unsure = verdicts <= {PairVerdict.INCONCLUSIVE, PairVerdict.UNAVAILABLE}
    reason = "; ".join(f"{proof.name} {proof.judgement.verdict}: {proof.judgement.reason}" for proof in tried)
    return Standpoint(name, TeethVerdict.INCONCLUSIVE if unsure else otherwise, (), reason)


def counted(standpoints: Sequence[Standpoint]) -> Mapping[TeethVerdict, int]:
    """How many there are of each."""
    found = [each.verdict for each in standpoints]
    return {verdict: found.count(verdict) for verdict in TeethVerdict if verdict in found}
