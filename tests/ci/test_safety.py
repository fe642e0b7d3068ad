"""What no schema says: what a workflow may do, what it trusts, and what it leaves when it fails."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.ci.support import ACTION, GITLAB, PRE_COMMIT, ROOT, WORKFLOWS, harness_calls, read, shell_of, shown

PINNED = re.compile(r"uses: ([\w-]+/[\w-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)")
RUNS_SCENARIOS = {"gate", "ablate", "sweep"}


def jobs_of(path: Path) -> Sequence[dict[str, Any]]:
    return list(read(path)["jobs"].values())


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=shown)
def test_what_others_wrote_is_pinned_to_a_commit(path: Path) -> None:
    uses = [line.strip(" -") for line in path.read_text("utf-8").splitlines() if line.strip(" -").startswith("uses:")]
    assert uses
    assert [line for line in uses if line != "uses: ./" and not PINNED.fullmatch(line)] == []


def test_one_action_has_one_pin() -> None:
    pins = {
        found for path in (*WORKFLOWS, ACTION, ROOT / "README.md") for found in PINNED.findall(path.read_text("utf-8"))
    }
    assert len({name for name, _, _ in pins}) == len(pins)


@pytest.mark.parametrize("path", WORKFLOWS, ids=shown)
def test_a_workflow_may_read_and_nothing_else(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert not [name for name, job in workflow["jobs"].items() if "permissions" in job]
    assert workflow["concurrency"]["group"]
    for job in jobs_of(path):
        checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert [step["with"]["persist-credentials"] for step in checkouts] == [False]


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=shown)
def test_nothing_from_outside_becomes_shell(path: Path) -> None:
    """What a branch, or an input, is called would be run: it comes through the environment."""
    left = [found for shell in shell_of(read(path)) for found in re.findall(r"\$\{\{.*?\}\}", shell)]
    assert left == [], "of the workflow's own matrix alone, which is filled in"


@pytest.mark.parametrize("path", WORKFLOWS, ids=shown)
def test_a_job_that_runs_scenarios_keeps_what_they_left(path: Path) -> None:
    for job in jobs_of(path):
        verbs = {words[0] for shell in shell_of(job) for words in harness_calls(shell)}
        if verbs & RUNS_SCENARIOS:
            last = job["steps"][-1]
            assert last["uses"].startswith("actions/upload-artifact@")
            assert last["if"] == "always()"
            # A folder whose name begins with a dot is left out unless it is asked for.
            assert (last["with"]["path"], last["with"]["include-hidden-files"]) == (".results/latest/", True)


def test_gitlab_keeps_what_scenarios_left() -> None:
    jobs = {name: job for name, job in read(GITLAB).items() if isinstance(job, dict)}
    shared = jobs.pop(".resilience")
    assert shared["artifacts"]["when"] == "always"
    assert jobs
    for job in jobs.values():
        assert job["extends"] == ".resilience"
        assert "timeout" in job
        assert not {"when", "paths"} & job.get("artifacts", {}).keys()


def test_the_commit_hooks_are_programs_of_the_locked_environment() -> None:
    files = [shown(path) for path in (*WORKFLOWS, ACTION, GITLAB)]
    for hook in read(PRE_COMMIT)["repos"][0]["hooks"]:
        folder, name = hook["entry"].split()[0].rsplit("/", 1)
        assert folder == ".venv/bin"
        assert shutil.which(name, path=str(Path(sys.executable).parent)), name
        if "files" in hook:
            assert any(re.search(hook["files"], file) for file in files), hook["files"]


def test_what_the_action_installs_is_what_the_tests_ran_with() -> None:
    of_tests, of_action = (_pins(ROOT / "requirements" / name) for name in ("dev.txt", "harness.txt"))
    assert of_action
    assert {name: version for name, version in of_action.items() if of_tests.get(name) != version} == {}


def _pins(path: Path) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", path.read_text("utf-8"), re.MULTILINE)
    return dict(found)
