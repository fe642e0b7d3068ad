"""Scenarios run by plain pytest: real servers, the tiny service, each verdict."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.protocols.redis.server import RedisServer
from harness.stack import Stack
from tests.tiny import CHECKOUT, write_suite

PLUGIN = (
    "-p", "no:harness", "-p", "harness.pytest_plugin", "-o", "asyncio_default_fixture_loop_scope=function",
)  # fmt: skip
HOME = str(Path.home())
FILE = "scenarios/all_verdicts.py"


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    monkeypatch.setenv("HOME", HOME)  # pytester's own has no Toxiproxy in its cache
    write_suite(pytester.path)
    return pytester


def summary(suite: pytest.Pytester) -> dict[str, object]:
    found: dict[str, object] = json.loads((suite.path / ".results" / "latest" / "summary.json").read_text("utf-8"))
    return found


def test_each_verdict_is_one_outcome(suite: pytest.Pytester, stack: Stack) -> None:
    names = ["test_cut", "test_too_much_asked", "test_never_felt", "test_elsewhere"]
    ids = [f"{FILE}::{name}" for name in names]
    result = suite.runpytest_subprocess(
        *PLUGIN, *ids, "-rA", "--junit-xml=junit.xml", f"--harness-redis={stack.of(RedisServer).url()}"
    )
    result.assert_outcomes(passed=1, failed=1, errors=1, skipped=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = result.stdout.str()
    assert "outcome: 1 of 1: " in text
    assert "expected refused, got acknowledged" in text
    assert "left no evidence" in text
    assert "gate too_much_asked --profile whole --seed 0" in text
    assert "unavailable: needs own_redis" in text
    assert "runner.py" not in text, "no traceback of the harness"
    suite_of_junit = ET.parse(suite.path / "junit.xml").getroot().find("testsuite")  # noqa: S314  # pytest's own
    assert suite_of_junit is not None
    counts = {name: suite_of_junit.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    data = summary(suite)
    assert data["counts"] == {"held": 1, "failed": 1, "inconclusive": 1, "unavailable": 1}
    assert (data["complete"], data["exit_status"]) == (True, 1)


def test_only_inconclusive_is_no_failure(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_other="def test_passes(): ...\n")
    result = suite.runpytest_subprocess(*PLUGIN, f"{FILE}::test_never_felt", "test_other.py")
    result.assert_outcomes(errors=1, passed=1)
    assert result.ret == 3


def test_nothing_run_is_not_passed(suite: pytest.Pytester, stack: Stack) -> None:
    unavailable = suite.path / "scenarios" / "unavailable.toml"
    unavailable.write_text('[[unavailable]]\nid = "elsewhere"\nreason = "x"\nruns = "y"\n', "utf-8")
    options = (*PLUGIN, f"{FILE}::test_elsewhere", f"--harness-redis={stack.of(RedisServer).url()}")
    result = suite.runpytest_subprocess(*options)
    result.assert_outcomes(skipped=1)
    assert result.ret == 5


def test_without_scenarios_there_are_no_servers_and_no_results(suite: pytest.Pytester) -> None:
    file = suite.makepyfile("def test_passes(): ...\n")
    result = suite.runpytest_inprocess(*PLUGIN, file)
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.OK
    assert not (suite.path / ".results").exists()
    assert "harness:" not in result.stdout.str()
