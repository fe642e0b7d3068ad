"""Whatever ends a gate: valid results, the right status, and no process that outlives it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.cli.support import lives, name_of, runs_by_id, summary_in
from tests.keeper.support import wait_for
from tests.tiny import GATE_WITHIN_S, environment, harness_command

WITHIN_S = 60.0
"""Only bounds the wait: two starts of a stack, beside three other workers on two cores, took more than 20 s once."""


def until(look: Callable[[], bool], what: str) -> None:
    assert wait_for(look, within_s=WITHIN_S), what


GATE = harness_command("gate", "cut", "waits", "--jobs", "1")
IN_THE_BACKGROUND = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *GATE]
"""As a shell's background job, which ignores SIGINT."""
PYTEST = [
    sys.executable, "-m", "pytest", "-p", "no:harness", "-p", "harness.pytest_plugin",
    *(f"scenarios/all_verdicts.py::test_{name}" for name in ("cut", "waits")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "signum", "status", "recorded"),
    [
        (GATE, signal.SIGINT, 2, 2),
        (GATE, signal.SIGTERM, 2, 2),
        (IN_THE_BACKGROUND, signal.SIGTERM, 2, 2),
        (GATE, signal.SIGKILL, -signal.SIGKILL, None),
        (PYTEST, signal.SIGINT, 2, 2),
    ],
    ids=["gate, SIGINT", "gate, SIGTERM", "background gate, SIGTERM", "gate, SIGKILL", "pytest, SIGINT"],
)
def test_an_ended_run_leaves_results_and_no_process(
    suite: Path, command: list[str], signum: int, status: int, recorded: int | None
) -> None:
    history = suite / ".results" / "latest" / "history" / "waits@whole.jsonl"
    with subprocess.Popen(
        command, cwd=suite, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as gate:
        until(lambda: history.exists() and "step.began" in history.read_text("utf-8"), "the second scenario runs")
        family = psutil.Process(gate.pid).children(recursive=True)
        names = {name_of(process) for process in family}
        assert {"postgres", "redis-server"} <= names, names
        gate.send_signal(signum)
        said, _ = gate.communicate(timeout=GATE_WITHIN_S)
    assert gate.returncode == status, said
    until(lambda: not any(lives(process) for process in family), f"{family} end")
    data = summary_in(suite)
    assert data["complete"] is False
    assert data["exit_status"] == recorded
    assert data["selection"] == ["cut", "waits"]
    assert runs_by_id(data)["cut"]["verdict"] == "held"
    assert len(data["runs"]) == 1
    if recorded == 2:
        assert (suite / ".results" / "latest" / "junit.xml").exists()
    if recorded == 2 and command is not PYTEST:
        assert "interrupted" in said
        assert "incomplete: 1 of 2 scenarios were not run" in said
