from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from harness.checks import Verdict
from harness.results import RunKey
from harness.results.finding import Finding
from harness.results.folder import ResultsFolder
from harness.results.summary import RunTexts, Summary
from tests.results.made import ablated, made, proof_of, summary_of

FOLDER = ResultsFolder(Path("results/run"))


def read(summary: Summary) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(summary.text(FOLDER.relative))
    return found


def test_everything_that_scripts_rely_on_is_there() -> None:
    result = made(
        Verdict.FAILED,
        history=FOLDER.path / "history" / "k.jsonl",
        schedule=FOLDER.path / "schedules" / "k.json",
        source=FOLDER.path / "sources" / "pool.a.py",
        key=RunKey("idle_pool_cut", "hardened", ("a", "b")),
    )
    data = read(summary_of(result, exit_status=1))
    assert data["schema"] == "harness.summary/1"
    assert (data["complete"], data["exit_status"]) == (True, 1)
    assert {"id", "started_at", "command", "seed", "target", "profile", "platform", "versions"} <= data["run"].keys()
    assert data["selection"] == ["idle_pool_cut"]
    assert data["counts"] == {"held": 0, "failed": 1, "inconclusive": 0, "unavailable": 0}
    assert data["runs"] == [
        {
            "id": "idle_pool_cut",
            "theme": "pool",
            "profile": "hardened",
            "without": ["a", "b"],
            "role": "scenario",
            "expected": "held",
            "verdict": "failed",
            "reason": "outcome: 1 of 5: refused",
            "failing_checks": ["outcome"],
            "checks": [
                {
                    "name": "outcome",
                    "failed": True,
                    "reason": "1 of 5: refused",
                    "saw": "3 of 5 as their step expects",
                    "observations": 5,
                }
            ],
            "evidence": [
                {
                    "kind": "connections_cut",
                    "source": "kernel",
                    "t_ns": 12,
                    "detail": "link.cut(postgres): 3 connections",
                    "at": None,
                    "fault": None,
                }
            ],
            "figures": {"requests": 5.0, "slowest_ms": 12.5},
            "duration_s": 1.5,
            "overhead_s": 1.0,
            "seed": 7,
            "repro": "python -m harness gate idle_pool_cut --profile hardened --seed 7",
            "history": "history/k.jsonl",
            "schedule": "schedules/k.json",
            "source": "sources/pool.a.py",
            "cause": {"check": "outcome", "symptom": [], "where": []},
        }
    ]


def test_only_the_scenarios_own_runs_are_counted() -> None:
    second = ablated(service_log="connection is closed")
    control = made(role="control")
    data = read(summary_of(made(), control, second, proofs=[proof_of(made(), second)]))
    assert data["counts"] == {"held": 1, "failed": 0, "inconclusive": 0, "unavailable": 0}
    assert [run["role"] for run in data["runs"]] == ["scenario", "control", "ablated"]
    assert data["proofs"] == [
        {
            "id": "idle_pool_cut",
            "proof": "pool.pre_ping",
            "protections": ["pool.pre_ping"],
            "without": [],
            "under": None,
            "fails": "outcome",
            "match": "connection is closed",
            "verdict": "proved",
            "reason": "failed by outcome, 'connection is closed' in the service's log",
            "control": "idle_pool_cut@hardened",
            "ablated": "idle_pool_cut@hardened-pool.pre_ping",
        }
    ]


@pytest.mark.parametrize(("own", "held", "unavailable"), [(Verdict.HELD, 1, 1), (Verdict.UNAVAILABLE, 0, 1)])
def test_a_scenario_is_unavailable_too_where_only_its_own_run_is_possible(
    own: Verdict, held: int, unavailable: int
) -> None:
    counts = summary_of(made(own), ablated(Verdict.UNAVAILABLE)).counts
    assert (counts[Verdict.HELD], counts[Verdict.UNAVAILABLE]) == (held, unavailable)


def test_what_was_looked_at_beyond_the_runs_has_a_section_of_its_own() -> None:
    found = Finding("ablation", "pool.recycle", "unproved", "pool.recycle is unproved: no scenario names it")
    data = read(summary_of(made(), sections={"ablation": {"protections": []}}, findings=[found]))
    assert data["ablation"] == {"protections": []}
    assert data["findings"] == [
        {
            "section": "ablation",
            "subject": "pool.recycle",
            "kind": "unproved",
            "sentence": "pool.recycle is unproved: no scenario names it",
            "inconclusive": False,
            "warning": False,
        }
    ]


def test_what_json_cannot_hold_is_null_or_an_escape() -> None:
    text = summary_of(made(figures={"a": math.inf, "b": math.nan, "c": 1.5}, reason="\ud800\0")).text(FOLDER.relative)
    text.encode("ascii")
    run = json.loads(text)["runs"][0]
    assert run["figures"] == {"a": None, "b": None, "c": 1.5}
    assert run["reason"] == "\ud800\0"


def test_where_the_time_went() -> None:
    assert read(summary_of(made()))["times"] == {
        "total_s": 5.0,
        "stack_s": 1.0,
        "scenarios_s": 3.0,
        "around_s": 2.0,
        "rest_s": 1.0,
    }


def test_a_summary_that_grows_says_what_one_made_at_once_says() -> None:
    texts, results = RunTexts(), []
    for verdict in (Verdict.HELD, Verdict.FAILED, Verdict.INCONCLUSIVE):
        results.append(made(verdict))
        summary = summary_of(*results)
        assert summary.text(FOLDER.relative, texts) == summary.text(FOLDER.relative)
        assert json.loads(summary.text(FOLDER.relative, texts)) == summary.to_json(FOLDER.relative)


def test_each_run_has_a_line_of_its_own() -> None:
    lines = summary_of(made(), made(Verdict.FAILED)).text(FOLDER.relative).splitlines()
    assert [json.loads(line.rstrip(","))["verdict"] for line in lines if line.startswith('{"id"')] == ["held", "failed"]
