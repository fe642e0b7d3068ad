"""What GitHub, GitLab and Dependabot would refuse, by their published schemas; no address is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.ci.support import ACTION, GITLAB, ROOT, WORKFLOWS, shown

WORKFLOW, TIMEOUT = "vendor.github-workflows", "custom.github-workflows-require-timeout"
GITLAB_CI, GITHUB_ACTION, DEPENDABOT = "vendor.gitlab-ci", "vendor.github-actions", "vendor.dependabot"
FILES = [
    *((schema, path) for path in WORKFLOWS for schema in (WORKFLOW, TIMEOUT)),
    (GITHUB_ACTION, ACTION),
    (GITLAB_CI, GITLAB),
    (DEPENDABOT, ROOT / ".github" / "dependabot.yml"),
]
JOB = "on: push\njobs: {a: {runs-on: x, steps: [{run: x}]%s}}\n"


def check(schema: str, path: Path) -> subprocess.CompletedProcess[str]:
    reading = ["--data-transform", "gitlab-ci"] if schema == GITLAB_CI else []
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *reading, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("schema", "path"), FILES, ids=[f"{shown(path)}-{schema}" for schema, path in FILES])
def test_a_file_is_what_its_reader_takes(schema: str, path: Path) -> None:
    checked = check(schema, path)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (WORKFLOW, JOB % ", timeout-minuts: 5"),
        (TIMEOUT, JOB % ""),
        (GITHUB_ACTION, "name: a\ndescription: a\nruns: {using: composite, steps: [{run: x, shel: bash}]}\n"),
        (GITLAB_CI, "job: {script: [x], artifacts: {when: allways}}\n"),
        (DEPENDABOT, "version: 2\nupdates: [{package-ecosystem: pip, directory: /}]\n"),
    ],
    ids=[WORKFLOW, TIMEOUT, GITHUB_ACTION, GITLAB_CI, DEPENDABOT],
)
def test_a_slip_is_found(schema: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text(text, "utf-8")
    assert check(schema, path).returncode == 1
