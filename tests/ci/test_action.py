"""The action's own shell, run as GitHub runs it, on the tiny suite."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.ci.support import ACTION, GITLAB, ROOT, read
from tests.tiny import completed, environment, write_suite

BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")


class Job:
    """A workspace, and what GitHub gives a step."""

    def __init__(self, folder: Path) -> None:
        self.workspace = write_suite(folder)
        self._output = folder / "output"
        self.summary = folder / "summary.md"
        python = folder / "temp" / "resilience" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        self._environment = {
            "RUNNER_TEMP": str(folder / "temp"),
            "GITHUB_OUTPUT": str(self._output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
        }

    def gate(self, **given: str) -> subprocess.CompletedProcess[str]:
        """Run the step named Gate; each input that is not `given` has its default."""
        action = read(ACTION)
        step = _step("Gate")
        inputs = {name: given.get(name, item["default"]) for name, item in action["inputs"].items()}
        variables = {name: inputs[value.strip("${} ").removeprefix("inputs.")] for name, value in step["env"].items()}
        env = environment({**self._environment, **variables})
        return completed([*BASH, "-c", step["run"]], cwd=self.workspace, env=env)

    def name_what_is_kept(self) -> subprocess.CompletedProcess[str]:
        """Run the step that names the cache."""
        return completed([*BASH, "-c", _step("Name what is kept")["run"]], env=environment(self._environment))

    @property
    def outputs(self) -> Mapping[str, str]:
        return dict(line.split("=", 1) for line in self._output.read_text("utf-8").splitlines())


def _step(name: str) -> Any:
    return next(step for step in read(ACTION)["runs"]["steps"] if step.get("name") == name)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_what_is_kept_has_a_name(job: Job) -> None:
    process = job.name_what_is_kept()
    assert process.returncode == 0, process.stderr
    assert re.fullmatch("[0-9a-f]{64}", job.outputs["hash"])


def test_what_held_is_0_and_leaves_its_results(job: Job) -> None:
    process = job.gate(only="cut\n  healthy[no_fault]\n")
    assert process.returncode == 0, process.stderr
    assert job.outputs["exit-status"] == "0"
    results = Path(job.outputs["results"])
    assert {"report.html", "junit.xml", "summary.json"} <= {path.name for path in results.iterdir()}
    assert not results.is_symlink(), "what is uploaded is the folder, not a link to it"
    assert "All 2 scenarios held" in job.summary.read_text("utf-8")
    reports = read(GITLAB)["resilience"]["artifacts"]["reports"]["junit"]
    assert list(job.workspace.glob(reports)) == [results / "junit.xml"], "what GitLab's example shows, once"


def test_what_failed_is_1_and_leaves_its_results(job: Job) -> None:
    process = job.gate(only="too_much_asked", profile="whole", results="their results")
    assert process.returncode == 1, process.stderr
    assert job.outputs["exit-status"] == "1"
    assert Path(job.outputs["results"]).parent == job.workspace / "their results"
    assert "::error file=scenarios/all_verdicts.py,line=" in process.stdout


def test_what_is_no_scenario_is_4_and_leaves_nothing(job: Job) -> None:
    process = job.gate(only="--help")
    assert process.returncode == 4, process.stdout
    assert job.outputs == {"exit-status": "4"}
    assert "'--help': no scenario, and no theme, has this name" in process.stderr
