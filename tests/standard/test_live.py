"""The standard suite of the tiny service, as a user runs it: without a scenario of its own."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from harness.stack import StackConfiguration
from harness.standard import observation
from harness.target import load_target
from tests.cli.support import runs_by_id, summary_in
from tests.tiny import run_harness, write_suite


def test_a_target_alone_is_enough_for_verdicts_which_its_file_repeats(tmp_path: Path) -> None:
    suite = write_suite(tmp_path)
    (suite / "scenarios" / "all_verdicts.py").unlink()
    _says_that_it_has_a_repeat(suite / "scenarios" / "target.toml")
    ids = ("standard_insert_cut_postgres", "standard_postgres_away_from_the_start")
    process = run_harness("gate", "--suite", "standard", *ids, "--without", "retry", cwd=suite)
    summary = summary_in(suite)
    runs = runs_by_id(summary)
    assert process.returncode == 1, process.stderr
    assert "left out: everything on redis: no request of the service's used it" in process.stderr
    assert {name: run["verdict"] for name, run in runs.items()} == {ids[0]: "failed", ids[1]: "held"}
    assert all(run["evidence"] for run in runs.values())
    assert summary["findings"] == []  # nobody wrote them, so nobody has to prove them
    words = shlex.split(runs[ids[0]]["repro"])
    assert words[words.index("--suite") + 1] == "standard"
    written = run_harness("new", "--suite", cwd=suite)
    assert written.returncode == 0, written.stderr
    own = run_harness("gate", *ids, "--without", "retry", cwd=suite)
    assert own.returncode == 1, own.stderr
    verdicts = {name: (run["verdict"], run["failing_checks"]) for name, run in runs.items()}
    owned = runs_by_id(summary_in(suite))
    assert {name: (run["verdict"], run["failing_checks"]) for name, run in owned.items()} == verdicts


def test_the_matrix_of_the_standard_suite_says_what_carries_it_and_allure_hears_of_each_run(tmp_path: Path) -> None:
    suite = write_suite(tmp_path)
    words = ("--matrix", "--suite", "standard", "standard_insert_cut_postgres", "--allure", "allure")
    process = run_harness("ablate", *words, cwd=suite)
    summary = summary_in(suite)
    assert process.returncode == 0, process.stderr
    assert {run["without"][0]: run["verdict"] for run in summary["runs"] if run["without"]} == {
        "retry": "failed",
        "store": "failed",
    }
    assert summary["ablation"]["matrix"]["protections"] == ["retry", "store"]
    assert len({run["source"] for run in summary["runs"]}) == 1
    assert len(list((suite / "allure").glob("*-result.json"))) == len(summary["runs"])


def test_a_repeat_that_fails_is_a_finding_and_keeps_nothing_from_being_broken(tmp_path: Path) -> None:
    suite = write_suite(tmp_path)
    target = suite / "scenarios" / "target.toml"
    text = target.read_text("utf-8").replace("[service.environment]", '[service.environment]\nTINY_SAME = "fails"')
    target.write_text(text, "utf-8")
    process = run_harness("gate", "--suite", "standard", "standard_insert_cut_postgres", cwd=suite)
    run = runs_by_id(summary_in(suite))["standard_insert_cut_postgres"]
    assert process.returncode == 1, process.stderr
    assert "left out: the statements of a repeat: a repeat delivery was not acknowledged" in process.stderr
    assert run["verdict"] == "failed"
    assert "same_answer_again" in run["failing_checks"]


def test_a_service_that_keeps_its_lost_connection_fails_though_its_statements_cannot_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = write_suite(tmp_path) / "scenarios" / "target.toml"
    text = target.read_text("utf-8").replace("[service.environment]", '[service.environment]\nTINY_RECONNECT = "off"')
    target.write_text(text.replace('[links.redis]\nprotocol = "redis"\n', ""), "utf-8")
    monkeypatch.setattr(observation, "TRIES", 1)
    told: list[str] = []
    suite = observation.look_and_plan(load_target(target), StackConfiguration(), profile="whole", progress=told.append)
    (fails,) = [each.fails for each in suite.planned if each.id == "standard_recorded"]
    assert "which had acknowledged a delivery, acknowledged none when its connections" in fails


def test_what_a_worker_does_after_its_answer_is_broken_too(tmp_path: Path) -> None:
    suite = write_suite(tmp_path)
    target = suite / "scenarios" / "target.toml"
    text = target.read_text("utf-8").replace(
        "[service.environment]", '[service.environment]\nTINY_LATER = "on"\nTINY_LOOKS = "on"'
    )
    target.write_text(text.replace("[stored]", "[stored]\nwithin_ms = 20_000"), "utf-8")
    written = run_harness("new", "--suite", cwd=suite)
    assert written.returncode == 0, written.stderr
    assert "left out: SELECT on postgres: the service also sends it without a delivery" in written.stderr
    (cut,) = re.findall(r"async def test_standard_insert_cut_postgres.*?(?=\n\n\n)", _written(suite), re.DOTALL)
    assert "lab.until(wire.cut(postgres.sent('INSERT')).fired())" in cut.replace('"', "'")


def _written(suite: Path) -> str:
    return (suite / "scenarios" / "standard.py").read_text("utf-8")


def _says_that_it_has_a_repeat(target: Path) -> None:
    """The service answers a repeat by "already", as many do that were written by other people."""
    text = target.read_text("utf-8").replace("repeat_is_same = true", "")
    text = text.replace("[service.environment]", '[service.environment]\nTINY_SAME = "off"')
    target.write_text(f'{text}\n[outcomes.already]\nstatus = ["200"]\nbody = "again"\n', "utf-8")


def test_a_service_that_cannot_be_recorded_leads_to_the_verb_that_says_why(tmp_path: Path) -> None:
    suite = write_suite(tmp_path)
    service = suite / "service.py"
    ends = "import sys\nif 'prepare' not in sys.argv:\n    sys.exit(1)\n"
    service.write_text(ends + service.read_text("utf-8").replace("from __future__ import annotations\n", ""), "utf-8")
    process = run_harness("gate", "--suite", "standard", cwd=suite)
    assert process.returncode == 3, process.stderr
    assert "the service did not start: it ended with status 1" in process.stderr
    assert "mend: `harness check` says what does not fit" in process.stderr
