from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.plugin.collection import collect_scenarios
from harness.scenario.scenario import Scenario
from harness.target import Target, load_target
from tests.pages.support import ROOT


@pytest.fixture(scope="session")
def target() -> Target:
    return load_target(ROOT / "scenarios" / "target.toml")


@pytest.fixture(scope="session")
def suite(target: Target) -> Mapping[str, Scenario]:
    """The scenarios that the repository has, by id."""
    return {scenario.id: scenario for scenario in collect_scenarios(ROOT / "scenarios", target.description)}
