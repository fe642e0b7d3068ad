"""One set of servers for all live runs; each test leaves them as it found them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.engine.laying.testbed import Testbed, open_testbed
from harness.stack import StackConfiguration
from tests.scenario_live.support import Runs, left_over, patient_target


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    with open_testbed(patient_target(), StackConfiguration(), logs=tmp_path_factory.mktemp("logs")) as bed:
        yield bed


@pytest.fixture
def runs(bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """Run scenarios; afterwards no role, database, session, proxy or key of theirs may be left.

    Other workers of this test run are strangers to the machine. Here they make no failure by a clock inconclusive:
    `test_busy_machine.py` is about that.
    """
    monkeypatch.setattr("harness.checks.clock.OTHERS_AT_LEAST", math.inf)
    yield Runs(bed, tmp_path)
    assert left_over(bed) == []
