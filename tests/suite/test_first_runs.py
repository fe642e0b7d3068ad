"""A suite ends when its service works in no scenario, and not before that is sure."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks import Verdict
from harness.errors import HarnessError, UsageError
from harness.results import RunResult
from harness.suite.verbs.first_runs import PATIENCE_RUNS, STEADY_RUNS, FirstRuns
from harness.target import load_target
from tests.results.made import made
from tests.tiny import run_harness, write_suite

REJECTED = made(Verdict.INCONCLUSIVE, never_steady="10 of 10: rejected, status 401", unsteady=True)
TOO_BUSY = made(Verdict.INCONCLUSIVE, reason="the machine was too busy; so steady state was not reached", unsteady=True)
NOT_STARTED = made(Verdict.INCONCLUSIVE, never_started="it ended with status 7", never_steady="it did not start")
STEADY = made(Verdict.FAILED)
UNAVAILABLE = made(Verdict.UNAVAILABLE)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return write_suite(tmp_path)


@pytest.fixture
def first(suite: Path) -> FirstRuns:
    return FirstRuns(load_target(suite / "scenarios" / "target.toml"))


def look_at(first: FirstRuns, *results: RunResult) -> None:
    for result in results:
        first.look_at(result)


def test_a_service_that_does_not_start_is_the_target_s_matter(first: FirstRuns) -> None:
    look_at(first, UNAVAILABLE, *[NOT_STARTED] * (PATIENCE_RUNS - 1))
    with pytest.raises(UsageError, match=f"in the first {PATIENCE_RUNS} runs.*it ended with status 7"):
        look_at(first, NOT_STARTED)


def test_a_service_that_never_reaches_steady_state_is_reported_once(first: FirstRuns) -> None:
    look_at(first, *[REJECTED] * (STEADY_RUNS - 2), NOT_STARTED)
    with pytest.raises(HarnessError, match=f"none of the first {STEADY_RUNS} runs.*rejected, status 401") as raised:
        look_at(first, REJECTED)
    assert not isinstance(raised.value, UsageError), "the service may be at fault, and not the target"


def test_a_busy_machine_does_not_pass_for_steady_state(first: FirstRuns) -> None:
    look_at(first, *[TOO_BUSY] * (STEADY_RUNS - 1))
    with pytest.raises(HarnessError, match=f"none of the first {STEADY_RUNS} runs.*the machine was too busy"):
        look_at(first, TOO_BUSY)


def test_the_reason_is_of_a_run_that_had_the_cores(first: FirstRuns) -> None:
    look_at(first, REJECTED, *[TOO_BUSY] * (STEADY_RUNS - 2))
    with pytest.raises(HarnessError, match="rejected, status 401"):
        look_at(first, TOO_BUSY)


def test_one_run_with_steady_state_says_that_the_service_works(first: FirstRuns) -> None:
    look_at(first, *[REJECTED] * (STEADY_RUNS - 1), STEADY, *[REJECTED] * STEADY_RUNS, *[NOT_STARTED] * PATIENCE_RUNS)


def test_a_suite_whose_service_rejects_everything_is_not_run_to_its_end(suite: Path) -> None:
    target = suite / "scenarios" / "target.toml"
    whole = target.read_text("utf-8")
    target.write_text(
        whole.replace('path = "/{source}/{id}"', 'path = "/{source}"').replace("recovery_s = 5", "recovery_s = 0.1"),
        "utf-8",
    )
    process = run_harness("soak", "--runs", str(STEADY_RUNS + 2), "healthy", cwd=suite)
    assert process.returncode == 3, process.stdout + process.stderr
    assert f"reached steady state in none of the first {STEADY_RUNS} runs" in process.stderr
    assert f"round {STEADY_RUNS} of" in process.stdout
    assert f"round {STEADY_RUNS + 1} of" not in process.stdout
