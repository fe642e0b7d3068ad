"""The gate, run as a user runs it: real servers, the tiny service, every verdict and exit status."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.protocols.redis.server import RedisServer
from harness.stack import Stack
from tests.cli.support import runs_by_id, summary_in
from tests.tiny import GATE_WITHIN_S, completed, environment, harness_command, run_harness, write_suite

ALL = ("cut", "healthy", "too_much_asked", "never_felt", "elsewhere")
BROKEN_SWEEPS = ("{", '{"schema": "harness.sweep/1", "run": null}')
LISTED = '[[unavailable]]\nid = "elsewhere"\nreason = "breaks Redis"\nruns = "where Redis is the harness\'s own"\n'


class Gate:
    """One run over every verdict: Redis is given by URL, so that one scenario is unavailable."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.folder = folder
        (folder / "scenarios" / "unavailable.toml").write_text(LISTED, "utf-8")
        for number, text in enumerate(BROKEN_SWEEPS):
            old = folder / ".results" / f"2026010{number}T000000Z-000000"
            old.mkdir(parents=True)
            (old / "sweep.json").write_text(text, "utf-8")
        self.redis = ("--redis", redis_url)
        self.process = run_harness("gate", *ALL, *self.redis, cwd=folder)
        self.summary = summary_in(folder)
        self.runs = runs_by_id(self.summary)
        self.results = (folder / ".results" / "latest").resolve()  # another test's run in this folder is a later one


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory, stack: Stack) -> Gate:
    return Gate(write_suite(tmp_path_factory.mktemp("gate")), stack.of(RedisServer).url())


def test_something_failed_outranks_the_rest(gate: Gate) -> None:
    assert gate.process.returncode == 1, gate.process.stderr
    assert (gate.summary["complete"], gate.summary["exit_status"]) == (True, 1)
    assert gate.summary["counts"] == {"held": 2, "failed": 1, "inconclusive": 1, "unavailable": 1}
    assert {name: run["verdict"] for name, run in gate.runs.items()} == {
        "cut": "held",
        "healthy[no_fault]": "held",
        "too_much_asked": "failed",
        "never_felt": "inconclusive",
        "elsewhere": "unavailable",
    }


def test_sweeps_that_cannot_be_read_take_no_verdict_away(gate: Gate) -> None:
    assert (gate.summary["complete"], gate.summary["exit_status"]) == (True, 1)
    told = [line for line in gate.process.stdout.splitlines() if line.startswith("maps: a sweep is left out: ")]
    assert len(told) == len(BROKEN_SWEEPS)
    assert "the maps are not shown: a sweep is left out: " in (gate.results / "report.html").read_text("utf-8")


def test_what_held_has_evidence(gate: Gate) -> None:
    held = [run for run in gate.runs.values() if run["verdict"] == "held"]
    assert held
    for run in held:
        assert run["evidence"]
        assert {"kind", "source", "t_ns", "detail", "at", "fault"} == run["evidence"][0].keys()
        assert run["reason"] == ""


def test_what_ran_left_its_files(gate: Gate) -> None:
    for run in gate.runs.values():
        if run["verdict"] == "unavailable":
            assert (run["history"], run["schedule"]) == (None, None)
        else:
            first = (gate.results / run["history"]).read_text("utf-8").splitlines()[0]
            assert json.loads(first)["kind"] == "run.began"
            assert json.loads((gate.results / run["schedule"]).read_text("utf-8"))["schema"] == "harness.schedule/1"
    assert list((gate.results / "logs").glob("*.log"))


def test_the_versions_are_those_of_the_servers(gate: Gate) -> None:
    versions = gate.summary["run"]["versions"]
    assert {"python", "postgres", "redis", "toxiproxy"} <= versions.keys()
    assert all(versions.values())


def test_the_junit_report_says_the_same(gate: Gate) -> None:
    suite = ET.parse(gate.results / "junit.xml").getroot().find("testsuite")  # noqa: S314  # our own file
    assert suite is not None
    tags = {case.get("name"): [child.tag for child in case if child.tag != "properties"] for case in suite}
    assert tags == {
        "cut@whole": [],
        "healthy[no_fault]@whole": [],
        "too_much_asked@whole": ["failure"],
        "never_felt@whole": ["error"],
        "elsewhere@whole": ["skipped"],
    }


def test_piped_output_is_plain_and_complete(gate: Gate) -> None:
    said = gate.process.stdout
    assert not [letter for letter in said if not letter.isprintable() and letter != "\n"]
    for word, run in ((run["verdict"], run) for run in gate.runs.values()):
        line = next(line for line in said.splitlines() if f" {run['id']}  " in line)
        assert word in line
        for evidence in run["evidence"] if word == "held" else ():
            assert evidence["detail"] in line
        assert run["reason"] in said
    assert "runs: where Redis is the harness's own" in said
    assert "2 held, 1 failed, 1 inconclusive, 1 unavailable in " in said
    assert "time: stack up " in said
    assert ".results/" in said.splitlines()[-1]


def test_the_line_that_repeats_a_failure_repeats_it(gate: Gate) -> None:
    line = gate.runs["too_much_asked"]["repro"]
    assert line in gate.process.stdout.splitlines(), "on a line of its own"
    assert shlex.join(gate.redis) in line
    again = completed(["sh", "-c", line], cwd=gate.folder)
    assert again.returncode == 1
    assert "failed        too_much_asked" in again.stdout


@pytest.mark.parametrize(("options", "status"), [((), 5), (("--strict",), 1)])
def test_a_listed_scenario_need_not_run_unless_strict(gate: Gate, options: tuple[str, ...], status: int) -> None:
    assert run_harness("gate", "elsewhere", *gate.redis, *options, cwd=gate.folder).returncode == status


def test_inconclusive_alone_is_3(suite: Path) -> None:
    process = run_harness("gate", "never_felt", cwd=suite)
    assert process.returncode == 3
    assert summary_in(suite)["exit_status"] == 3


def test_json_alone_on_standard_output(suite: Path) -> None:
    process = run_harness("gate", "cut", "--json", cwd=suite)
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout) == summary_in(suite)
    assert "+ held" in process.stderr


def test_a_stack_that_does_not_start_is_3_and_leaves_a_summary(suite: Path) -> None:
    not_redis = suite / "redis-server"
    not_redis.write_text("#!/bin/sh\nexit 7\n")
    not_redis.chmod(0o755)
    process = run_harness("gate", "cut", "--redis", str(not_redis), cwd=suite)
    assert process.returncode == 3
    assert "mend: " in process.stderr
    data = summary_in(suite)
    assert (data["complete"], data["exit_status"], data["runs"]) == (False, 3, [])


DIES = """
import contextlib
import psutil
from harness import Lab, no_fault, proves

@proves("store", fails="stored_once")
async def test_a_server_dies(lab: Lab) -> None:
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # another of PostgreSQL's has ended meanwhile
            if process.name() == "redis-server":
                process.kill()
    await lab.deliver()

@proves("store", fails="stored_once")
async def test_b_is_next(lab: Lab) -> None:
    await lab.inject(no_fault)
    await lab.deliver()
"""


def test_a_server_that_dies_is_named_and_the_next_scenario_gets_new_ones(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (suite / "scenarios" / "all_verdicts.py").write_text(DIES, "utf-8")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing_of_this_name")  # must not choose what a gate runs
    process = run_harness("gate", "--jobs", "1", cwd=suite)
    assert process.returncode == 3, process.stdout
    runs = runs_by_id(summary_in(suite))
    assert runs["a_server_dies"]["verdict"] == "inconclusive"
    assert "redis died, and no fault had touched it" in runs["a_server_dies"]["reason"]
    assert runs["b_is_next"]["verdict"] == "held"


def test_a_summary_that_cannot_be_written_out_holds_nothing(suite: Path) -> None:
    """What the process says and what its file says are one."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = subprocess.run(
            harness_command("gate", "healthy", "--json"), cwd=suite, env=environment(), stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=GATE_WITHIN_S, check=False,
        )  # fmt: skip
    assert "could not be written to standard output" in process.stderr
    data = summary_in(suite)
    assert (process.returncode, data["exit_status"], data["counts"]["held"]) == (3, 3, 1)


def test_a_protection_switched_off_is_told_from_its_proof(suite: Path) -> None:
    process = run_harness("gate", "cut", "--without", "retry", "-v", cwd=suite)
    assert process.returncode == 1
    assert "proof  proved: failed by outcome, 'the connection was lost'" in process.stdout
    assert "step   inject(link.cut(postgres))" in process.stdout
    run = runs_by_id(summary_in(suite))["cut"]
    assert (run["without"], run["expected"], run["verdict"]) == (["retry"], "failed", "failed")


def test_proofs_are_tried_and_one_that_proves_nothing_fails_the_gate(suite: Path) -> None:
    process = run_harness("gate", "cut", "elsewhere", "--proofs", "-q", cwd=suite)
    assert process.returncode == 1
    data = summary_in(suite)
    assert [(proof["id"], proof["proof"], proof["verdict"]) for proof in data["proofs"]] == [
        ("cut", "under bare", "proved"),
        ("cut", "retry", "proved"),
        ("elsewhere", "retry", "unproved"),
    ]
    assert data["counts"]["held"] == 2
    assert [run["role"] for run in data["runs"]] == ["scenario", "ablated", "ablated", "scenario", "ablated"]
    assert "unproved      elsewhere: retry" in process.stdout
    assert "cut: retry" not in process.stdout, "quiet: what is well is not told"


@pytest.mark.parametrize(("words", "runs", "status"), [((), 3, 4), (("cut", "healthy"), 2, 3)])
def test_a_service_that_does_not_start_is_told_of_once(
    suite: Path, words: tuple[str, ...], runs: int, status: int
) -> None:
    target = suite / "scenarios" / "target.toml"
    (suite / "ends.py").write_text("raise SystemExit('no such setting')\n", "utf-8")
    ends = target.read_text("utf-8").replace(
        'command = ["{python}", "service.py"]', 'command = ["{python}", "ends.py"]'
    )
    target.write_text(ends, "utf-8")
    process = run_harness("gate", *words, cwd=suite)
    assert process.returncode == status, process.stderr
    assert len(summary_in(suite)["runs"]) == runs
    told = "target.toml: in the first 3 runs, and the others are left out: the service did not start: it ended with"
    assert (told in process.stderr) == (status == 4)
    assert "no such setting" in process.stdout + process.stderr
