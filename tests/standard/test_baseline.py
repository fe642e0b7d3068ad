"""The standard suite has a baseline of its own, and its scenarios digests, though no file has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.demo import SCENARIOS
from harness.proof.sources import digests
from harness.scenario.scenario import Scenario
from harness.standard.plan import Unbroken, standard_suite
from harness.suite import SuiteSettings
from harness.suite.selection.chosen import Chosen
from harness.suite.settings import SuiteName
from harness.suite.verbs.baseline import baseline_file, points_in
from harness.target import load_target
from tests.tiny import CHECKOUT

OURS = CHECKOUT / "scenarios"


def chosen(suite: SuiteName) -> Chosen:
    return Chosen(
        settings=SuiteSettings(scenarios=OURS, suite=suite), target=load_target(SCENARIOS / "target.toml"),
        profile="hardened", scenarios=[], chosen=[], listed={},
    )  # fmt: skip


def scenarios() -> list[Scenario]:
    target = load_target(SCENARIOS / "target.toml")
    nothing_lacks: dict[str, str] = {}
    seen = Unbroken(statements=(), kept={"postgres": 1}, used=frozenset())
    return [each.scenario(target) for each in standard_suite(target, seen, nothing_lacks.get).planned]


@pytest.mark.parametrize(("suite", "name"), [("own", "baseline.json"), ("standard", "baseline-standard.json")])
def test_each_suite_has_its_own_baseline(suite: SuiteName, name: str) -> None:
    assert baseline_file(chosen(suite), None) == OURS / name
    assert baseline_file(chosen(suite), Path("other.json")) == Path("other.json")


def test_the_fault_space_is_covered_by_the_suite_beside_it_alone() -> None:
    assert points_in(chosen("own"))
    assert points_in(chosen("standard")) is None


def test_a_scenario_counts_as_changed_when_its_steps_change() -> None:
    first, second = scenarios(), scenarios()
    assert digests(first, OURS) == digests(second, OURS)
    assert len(set(digests(first, OURS).values())) == len(first)
