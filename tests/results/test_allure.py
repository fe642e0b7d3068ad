"""Allure's files say what `junit.xml` says, in the words of Allure's own model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.checks import Verdict
from harness.history import recording
from harness.history.events import RunBegan
from harness.present.ci.allure import allure_results, write_allure
from harness.results import RunKey
from harness.results.finding import Finding
from tests.results.made import ablated, made, proof_of, summary_of

STATUSES = {"passed", "failed", "broken", "skipped", "unknown"}
EXECUTABLE = {
    "name", "status", "statusDetails", "stage", "description", "descriptionHtml", "steps", "attachments", "parameters",
    "start", "stop",
}  # fmt: skip
TEST = EXECUTABLE | {"uuid", "historyId", "testCaseId", "fullName", "labels", "links", "titlePath"}
"""The fields of `allure_commons.model2` 2.15: another one is ignored by Allure."""


def files_in(folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted(folder.iterdir()):
        data = json.loads(path.read_text("utf-8"))
        assert path.name == f"{data['uuid']}-result.json"
        found.append(data)
    return found


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.HELD, "passed"),
        (Verdict.FAILED, "failed"),
        (Verdict.INCONCLUSIVE, "broken"),
        (Verdict.UNAVAILABLE, "skipped"),
    ],
)
def test_each_verdict_has_its_status(verdict: Verdict, status: str, tmp_path: Path) -> None:
    write_allure(summary_of(made(verdict)), tmp_path / "allure")
    [test] = files_in(tmp_path / "allure")
    assert (test["status"], test["stage"], test["stop"] - test["start"]) == (status, "finished", 1500)
    assert ("statusDetails" in test) == (verdict is not Verdict.HELD)


def test_every_field_is_one_of_allures() -> None:
    control, second = made(), ablated(Verdict.HELD)
    runs = [made(verdict, key=RunKey(f"s[{verdict}]", "hardened", ("a:b",))) for verdict in Verdict]
    findings = [Finding("baseline", "x", "gone", "x is gone"), Finding("drafts", "y", "unproved", "y", warning=True)]
    summary = summary_of(*runs, control, second, proofs=[proof_of(control, second)], findings=findings)
    tests = allure_results(summary)
    assert len(tests) == len(runs) + 3
    for test in tests:
        assert test.keys() <= TEST
        assert test["status"] in STATUSES
        assert test.get("statusDetails", {}).keys() <= {"message", "trace", "known", "flaky"}
        assert all(label.keys() == {"name", "value"} for label in test["labels"])
        assert all(parameter.keys() == {"name", "value"} for parameter in test.get("parameters", ()))
        assert all(step.keys() <= EXECUTABLE for step in test.get("steps", ()))


def test_a_test_is_known_again_in_a_later_session_and_is_no_other() -> None:
    first, again = summary_of(made()), summary_of(made(), made(key=RunKey("idle_pool_cut", "hardened", ("a",))))
    [one] = allure_results(first)
    same, other = allure_results(again)
    assert one["historyId"] == same["historyId"] != other["historyId"]
    assert len({one["uuid"], other["uuid"]}) == 2


def test_writing_again_overwrites(tmp_path: Path) -> None:
    for _ in range(2):
        write_allure(summary_of(made(), made()), tmp_path)
    assert len(files_in(tmp_path)) == 2


def test_a_run_began_when_its_history_says(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with recording(path) as recorder:
        recorder.record("runner", RunBegan("a", "hardened", (), 7, "target.toml", 6000.0, "2026-02-25T10:11:13+00:00"))
    with_history, without = allure_results(summary_of(made(history=path), made()))
    assert with_history["start"] - without["start"] == 1000
