"""Two lanes on real servers, with the tiny service."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from harness.polling import poll
from tests.cli.support import lives, runs_by_id, summary_in
from tests.tiny import GATE_WITHIN_S, environment, harness_command, run_harness, write_suite

WITHIN_S = 30.0


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return write_suite(tmp_path)


def test_two_lanes_have_servers_and_logs_of_their_own_and_one_summary(suite: Path) -> None:
    process = run_harness("gate", "healthy", "cut", "elsewhere", "--jobs", "2", cwd=suite)
    assert process.returncode == 0, process.stdout + process.stderr
    data = summary_in(suite)
    assert [run["id"] for run in data["runs"]] == ["cut", "healthy[no_fault]", "elsewhere"], "the suite's order"
    lanes = sorted(path.name for path in (suite / ".results" / "latest" / "logs").glob("lane-*"))
    assert lanes == ["lane-0", "lane-1"]
    assert process.stdout.count("bringing up PostgreSQL") == 2


def test_an_interruption_ends_both_lanes_and_what_was_cut_short_is_no_result(suite: Path) -> None:
    history = suite / ".results" / "latest" / "history" / "waits@whole.jsonl"
    command = harness_command("gate", "cut", "waits", "--jobs", "2")
    with subprocess.Popen(
        command, cwd=suite, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as gate:

        def both_are_under_way() -> bool:
            there = history.exists() and "step.began" in history.read_text("utf-8")
            return there and "cut" in runs_by_id(summary_in(suite))

        assert asyncio.run(poll(both_are_under_way, within_s=GATE_WITHIN_S))
        family = psutil.Process(gate.pid).children(recursive=True)
        gate.send_signal(signal.SIGINT)
        said, _ = gate.communicate(timeout=GATE_WITHIN_S)
    assert gate.returncode == 2, said
    assert asyncio.run(poll(lambda: not any(lives(process) for process in family), within_s=WITHIN_S))
    data = summary_in(suite)
    assert (data["complete"], data["exit_status"]) == (False, 2)
    assert {name: run["verdict"] for name, run in runs_by_id(data).items()} == {"cut": "held"}


def test_a_lane_that_is_killed_costs_its_scenario_only_and_the_gate_says_so(suite: Path) -> None:
    command = harness_command("gate", "waits", "cut", "healthy", "--jobs", "2")
    with subprocess.Popen(
        command, cwd=suite, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as gate:

        def lanes() -> list[psutil.Process]:
            return psutil.Process(gate.pid).children()

        def one_is_left() -> bool:
            return {"cut", "healthy[no_fault]"} <= runs_by_id(summary_in(suite)).keys() and len(lanes()) == 1

        assert asyncio.run(poll(lambda: len(lanes()) == 2, within_s=GATE_WITHIN_S))
        assert asyncio.run(poll(one_is_left, within_s=GATE_WITHIN_S))
        family = psutil.Process(gate.pid).children(recursive=True)
        lanes()[0].kill()
        said, _ = gate.communicate(timeout=GATE_WITHIN_S)
    assert gate.returncode == 3, said
    data = summary_in(suite)
    assert data["complete"], "nothing is lost"
    runs = runs_by_id(data)
    assert {name: run["verdict"] for name, run in runs.items()} == {
        "waits": "inconclusive", "cut": "held", "healthy[no_fault]": "held",
    }  # fmt: skip
    assert re.fullmatch(r"the harness broke: the process of lane-\d was killed by SIGKILL .*", runs["waits"]["reason"])
    assert asyncio.run(poll(lambda: not any(lives(process) for process in family), within_s=WITHIN_S))
