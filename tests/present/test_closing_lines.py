"""A run that fails by what is beyond its scenarios says so where it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks import CheckResult
from harness.present.terminal.lines import closing_lines
from harness.present.terminal.views.nightly import nightly_lines
from harness.results import RunKey, RunResult
from harness.results.finding import UNPROVED, Finding
from harness.results.folder import new_results_folder
from harness.scenario.lab import Lab
from harness.scenario.scenario import Scenario
from tests.results.made import made, summary_of

BELOW = Finding("coverage", "fault space", "below its floor", "98.8% was hit, the committed floor is 100%")


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([], []),
        ([BELOW], ["beyond the runs: 98.8% was hit, the committed floor is 100%"]),
        ([BELOW, BELOW, BELOW], ["beyond the runs: 98.8% was hit, the committed floor is 100% (and 2 more)"]),
        ([Finding("drafts", "x", "proof not written", "x: still TODO", warning=True)], []),
    ],
    ids=["nothing", "one", "several", "a warning"],
)
def test_all_held_and_yet_a_failure_is_explained(tmp_path: Path, findings: list[Finding], said: list[str]) -> None:
    folder = new_results_folder(tmp_path)
    lines = ["".join(text for text, _ in line) for line in closing_lines(summary_of(made(), findings=findings), folder)]
    assert [line for line in lines if line.startswith("beyond")] == said
    folder.release()


def test_scenarios_without_a_proof_are_counted(tmp_path: Path) -> None:
    folder = new_results_folder(tmp_path)
    findings = [Finding("drafts", name, UNPROVED, f"{name}: unproved", warning=True) for name in "ab"]
    lines = ["".join(text for text, _ in line) for line in closing_lines(summary_of(made(), findings=findings), folder)]
    assert [line for line in lines if "unproved" in line] == ["unproved: 2 scenarios without a proof"]
    folder.release()


def test_a_check_that_had_nothing_to_judge_in_any_run_is_named(tmp_path: Path) -> None:
    def run(name: str, **observations: int) -> RunResult:
        checks = tuple(CheckResult(check, False, saw="x", observations=count) for check, count in observations.items())
        return made(key=RunKey(name, "hardened"), checks=checks)

    folder = new_results_folder(tmp_path)
    runs = [run("a", stored_once=0, slower=0, drains=0), run("b", stored_once=2, slower=0, drains=0)]
    told = ["".join(text for text, _ in line) for line in closing_lines(summary_of(*runs), folder)]
    assert [line for line in told if "nothing to judge" in line] == ["nothing to judge in any run: slower, drains"]
    alone = ["".join(text for text, _ in line) for line in closing_lines(summary_of(runs[0]), folder)]
    assert not [line for line in alone if "nothing to judge" in line]
    folder.release()


def test_scenarios_left_for_the_night_for_one_reason_share_a_line() -> None:
    async def play(lab: Lab) -> None:
        del lab

    left = [
        Scenario(id=name, theme="t", play=play, nightly="waits" if name == "d" else "one is enough") for name in "abcde"
    ]
    told = ["".join(text for text, _ in line) for line in nightly_lines(left)]
    assert told[0] == "left for the night: 5 scenarios; run with --nightly:"
    assert told[1:] == ["  a, b and 2 more: one is enough", "  d: waits"]
