"""Tries a proof: runs the same scenario with and without the protections that the proof names."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

from harness.checks.proof import Proof
from harness.results import Role, RunKey, RunResult
from harness.results.ablation import ProofResult, judge_pair
from harness.scenario.runner import RunConfiguration
from harness.scenario.scenario import Scenario

Run = Callable[[Scenario, RunConfiguration], RunResult]


@dataclass(frozen=True, slots=True)
class Pair:
    """The keys of the two runs of a proof."""

    control: RunKey
    ablated: RunKey


def pair_of(name: str, proof: Proof, profile: str) -> Pair:
    """Return the keys of the two runs that try a proof of the scenario `name`. `profile` is the protecting one.

    If a proof names only a profile, the ablated run replaces the protecting profile by that one.
    """
    background = profile if proof.under is None or not proof.protections else proof.under
    off = tuple(dict.fromkeys((*proof.without, *proof.protections)))
    return Pair(RunKey(name, background, proof.without), RunKey(name, proof.under or profile, off))


def prove(
    scenario: Scenario,
    proof: Proof,
    configuration: RunConfiguration,
    *,
    known: MutableMapping[RunKey, RunResult],
    run: Run,
) -> ProofResult:
    """Run the control and the ablated run, and judge the pair.

    `known`: runs already made, by their keys. This function adds its own runs. A control that several proofs share is
    run once. `configuration` gives the protecting profile and all other settings.
    """
    pair = pair_of(scenario.id, proof, configuration.profile)
    if pair.control not in known:
        known[pair.control] = run(scenario, _as(pair.control, configuration, control=True))
    if pair.ablated not in known:
        known[pair.ablated] = run(scenario, _as(pair.ablated, configuration, control=False))
    control, ablated = known[pair.control], known[pair.ablated]
    judgement = judge_pair(control, ablated, proof)
    return ProofResult(id=scenario.id, proof=proof, control=control, ablated=ablated, judgement=judgement)


def _as(key: RunKey, configuration: RunConfiguration, *, control: bool) -> RunConfiguration:
    role: Role = "control" if control else "ablated"
    return dataclasses.replace(configuration, profile=key.profile, without=key.without, role=role)


def proof_tried_by(key: RunKey, scenario: Scenario, profile: str) -> Proof | None:
    """Return the proof whose ablated run has this key. The order of its protections does not matter."""
    for proof in scenario.proofs:
        ablated = pair_of(scenario.id, proof, profile).ablated
        if ablated.profile == key.profile and set(ablated.without) == set(key.without):
            return proof
    return None
