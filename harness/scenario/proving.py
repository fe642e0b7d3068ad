"""Tries a proof: the same scenario twice, with and without the protections that it names."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

from harness.checks.proof import Proof
from harness.engine.laying.testbed import Testbed
from harness.results import Role, RunKey, RunResult
from harness.results.ablation import ProofResult, judge_pair
from harness.scenario import runner
from harness.scenario.runner import RunConfiguration
from harness.scenario.scenario import Scenario

Run = Callable[[Scenario, RunConfiguration, Testbed], RunResult]


@dataclass(frozen=True, slots=True)
class Pair:
    """The keys of the two runs of a proof."""

    control: RunKey
    ablated: RunKey


def pair_of(name: str, proof: Proof, profile: str) -> Pair:
    """Say which two runs try a proof of the scenario `name`; `profile` is the one that protects.

    Where a proof names only a profile, that profile is what is taken away.
    """
    background = profile if proof.under is None or not proof.protections else proof.under
    off = tuple(dict.fromkeys((*proof.without, *proof.protections)))
    return Pair(RunKey(name, background, proof.without), RunKey(name, proof.under or profile, off))


def prove(
    scenario: Scenario,
    proof: Proof,
    configuration: RunConfiguration,
    bed: Testbed,
    *,
    known: MutableMapping[RunKey, RunResult],
    run: Run = runner.run,
) -> ProofResult:
    """Run the control and the ablated run, and judge the pair.

    `known`: runs that there are already, by their keys; a control that several proofs share is run
    once, and this adds what it runs. `configuration` gives the protecting profile and all the rest.
    """
    pair = pair_of(scenario.id, proof, configuration.profile)
    if pair.control not in known:
        known[pair.control] = run(scenario, _as(pair.control, configuration, control=True), bed)
    if pair.ablated not in known:
        known[pair.ablated] = run(scenario, _as(pair.ablated, configuration, control=False), bed)
    control, ablated = known[pair.control], known[pair.ablated]
    judgement = judge_pair(control, ablated, proof)
    return ProofResult(id=scenario.id, proof=proof, control=control, ablated=ablated, judgement=judgement)


def _as(key: RunKey, configuration: RunConfiguration, *, control: bool) -> RunConfiguration:
    role: Role = "control" if control else "ablated"
    return dataclasses.replace(configuration, profile=key.profile, without=key.without, role=role)


def proof_tried_by(key: RunKey, scenario: Scenario, profile: str) -> Proof | None:
    """Return the proof whose ablated run has this key, whatever the order of what is off."""
    for proof in scenario.proofs:
        ablated = pair_of(scenario.id, proof, profile).ablated
        if ablated.profile == key.profile and set(ablated.without) == set(key.without):
            return proof
    return None
