"""Each protection is proved by the quickest scenario that is about it, on real servers, in both directions.

`harness ablate` tries every proof of every scenario. It takes as long as all other tests together.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.checks.proof import Proof
from harness.compare.baseline import read_baseline
from harness.engine.laying.testbed import Testbed, open_testbed
from harness.plugin.collection import collect_scenarios
from harness.present.terminal.views.story import story
from harness.results import RunKey, RunResult
from harness.results.ablation import PairVerdict, title
from harness.scenario import runner
from harness.scenario.proving import prove
from harness.scenario.runner import RunConfiguration
from harness.scenario.scenario import Scenario
from harness.stack import StackConfiguration
from harness.target import load_target

SCENARIOS = Path(__file__).parents[2] / "scenarios"
TARGET = load_target(SCENARIOS / "target.toml")


def _tried() -> Iterator[tuple[Scenario, Proof]]:
    """Each way to switch something off, once: by a scenario of every gate if possible, and by the quickest."""
    known: set[str] = set()
    baseline = read_baseline(SCENARIOS / "baseline.json", target=TARGET.description.name)
    accepted = {} if baseline is None else baseline.scenarios

    def waits(scenario: Scenario) -> tuple[bool, float]:
        seen = accepted.get(scenario.id)
        return bool(scenario.nightly), math.inf if seen is None else (seen.worst_ms or 0) + (seen.recovery_ms or 0)

    for scenario in sorted(collect_scenarios(SCENARIOS, TARGET.description), key=waits):
        for proof in scenario.proofs:
            if title(proof) not in known:
                known.add(title(proof))
                yield scenario, proof


PROOFS = [pytest.param(scenario, proof, id=f"{scenario.id}: {title(proof)}") for scenario, proof in _tried()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proofs")


@pytest.fixture(scope="module")
def bed(folder: Path) -> Iterator[Testbed]:
    with open_testbed(TARGET, StackConfiguration(), logs=folder / "logs") as bed:
        yield bed


@pytest.fixture(scope="module")
def known() -> dict[RunKey, RunResult]:
    """Runs that proofs share."""
    return {}


@pytest.mark.parametrize(("scenario", "proof"), PROOFS)
def test_it_holds_and_without_its_protection_it_fails_for_the_named_reason(
    scenario: Scenario, proof: Proof, bed: Testbed, folder: Path, known: dict[RunKey, RunResult]
) -> None:
    lacking = [reason for need in scenario.needs if (reason := bed.lacking(need))]
    if lacking:
        pytest.skip(lacking[0])
    configuration = RunConfiguration(profile=TARGET.description.default_profile, folder=folder)
    tried = prove(scenario, proof, configuration, known=known, run=functools.partial(runner.run, bed=bed))
    told = "\n".join([tried.judgement.reason, *story(tried.control), *story(tried.ablated)])
    assert tried.judgement.verdict is PairVerdict.PROVED, told
