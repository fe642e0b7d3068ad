"""One set of servers for all live searches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.engine.laying.testbed import Testbed, open_testbed
from harness.stack import StackConfiguration
from tests.scenario_live.support import patient_target

TARGET = Path(__file__).parents[2] / "scenarios" / "target.toml"


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    with open_testbed(patient_target(), StackConfiguration(), logs=tmp_path_factory.mktemp("logs")) as bed:
        yield bed
