"""Evidence marks the points that it tells of, and what was not judged marks none."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from harness.checks import Verdict
from harness.results import Evidence, RunKey, RunResult
from harness.search.coverage import (
    coverage_of,
    gate_coverage,
    hit_by_evidence,
    hit_by_runs,
    hit_by_summary,
    hit_by_sweep,
)
from harness.search.places import CellId, Point
from harness.search.report import SCHEMA
from harness.search.results import CellVerdict
from harness.search.space import FaultSpace, space_of
from tests.search.made import cell, made_recording, place, result

SPACE = space_of([made_recording()], floor_percent=50)
LINKS = {"postgres": "postgres", "redis": "redis"}
COMMIT = (
    "postgres, connection 3 (port 4711): Query sent 'COMMIT', at byte 512 of the stream, {passed} bytes of it passed"
)


def hit(kind: str, detail: str) -> set[str]:
    return {point.action for point in hit_by_evidence(SPACE, kind, detail, LINKS)}


@pytest.mark.parametrize(
    ("kind", "source", "passed", "action"),
    [
        ("wire_cut", "wire.cut(postgres.sent('COMMIT')): ", 0, "cut_before"),
        ("wire_cut", "wire.cut(postgres.sent('COMMIT'), after=True): ", 13, "cut_after"),
        ("wire_reset", "", 0, "reset_before"),
        ("wire_stall", "", 0, "stall"),
        ("wire_drop_and_close", "", 0, "cut_before"),
        ("wire_fail", "wire.fail(postgres.sent('COMMIT'), '40001'): ", 0, "error_40001"),
    ],
)
def test_evidence_of_a_scenario_marks_its_point(kind: str, source: str, passed: int, action: str) -> None:
    found = hit_by_evidence(SPACE, kind, source + COMMIT.format(passed=passed), LINKS)
    assert found == {Point(place(), action)}


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("link_down", COMMIT.format(passed=0)),
        ("wire_cut", "something else"),
        ("wire_cut", COMMIT.format(passed=0).replace("postgres,", "elsewhere,")),
        ("wire_cut", COMMIT.format(passed=0).replace("COMMIT", "VACUUM")),
    ],
)
def test_what_tells_of_no_point_marks_none(kind: str, detail: str) -> None:
    assert hit(kind, detail) == set()


def run(verdict: Verdict) -> RunResult:
    evidence = Evidence("wire_cut", "relay", 1, COMMIT.format(passed=0))
    return RunResult(
        key=RunKey("x", "hardened"), theme="t", verdict=verdict, reason="", evidence=(evidence,), duration_s=1,
        overhead_s=0, seed=0, repro="", history=None, schedule=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "count"), [(Verdict.HELD, 1), (Verdict.FAILED, 1), (Verdict.INCONCLUSIVE, 0), (Verdict.UNAVAILABLE, 0)]
)
def test_only_what_was_judged_counts(verdict: Verdict, count: int, tmp_path: Path) -> None:
    assert len(hit_by_runs(SPACE, [run(verdict)], LINKS)) == count
    runs = [{"verdict": verdict.value, "evidence": [dataclasses.asdict(run(verdict).evidence[0])]}]
    (tmp_path / "summary.json").write_text(json.dumps({"runs": runs}), "utf-8")
    assert len(hit_by_summary(SPACE, tmp_path, LINKS)) == count


def test_a_sweep_marks_what_it_judged(tmp_path: Path) -> None:
    at = place()
    pair = CellId("warm", Point(at, "cut_after"), Point(at, "reset_before"))
    cells = [
        result(CellVerdict.HELD, cell("cut_before")), result(CellVerdict.FAILED, cell("stall")),
        result(CellVerdict.INCONCLUSIVE, cell("drop")), result(CellVerdict.HELD, pair),
    ]  # fmt: skip
    data = {"schema": SCHEMA, "cells": [each.to_json() for each in cells]}
    (tmp_path / "sweep.json").write_text(json.dumps(data), "utf-8")
    actions = {point.action for point in hit_by_sweep(tmp_path)}
    assert actions == {"cut_before", "stall", "cut_after", "reset_before"}
    assert hit_by_sweep(tmp_path / "nowhere") == frozenset()


def test_the_share_is_told_by_protocol_and_against_the_floor() -> None:
    points = [point for point in SPACE.points if point.place.protocol == "redis"]
    found = coverage_of(SPACE, [*points, Point(place(text="not recorded"), "stall")])
    told = found.to_json()
    assert told["hit"] == told["by_protocol"]["redis"]["hit"] == told["by_protocol"]["redis"]["points"] == len(points)
    assert told["by_protocol"]["postgres"]["hit"] == 0
    assert "the committed floor is 50%" in found.below_floor
    assert len(found.untried) == len(SPACE.points) - len(points)
    assert not coverage_of(SPACE, SPACE.points).below_floor
    assert coverage_of(FaultSpace({}), []).percent == 100


def test_a_gate_counts_its_own_runs_and_the_newest_sweep(tmp_path: Path) -> None:
    assert gate_coverage(tmp_path, tmp_path, []) is None
    SPACE.write(tmp_path / "fault_space.txt")
    for name, verdict in (
        ("20260101T000000Z-000000", CellVerdict.HELD),
        ("20260102T000000Z-000000", CellVerdict.FAILED),
    ):
        folder = tmp_path / name
        folder.mkdir()
        action = "drop" if verdict is CellVerdict.HELD else "stall"
        data = {"schema": SCHEMA, "cells": [result(verdict, cell(action)).to_json()]}
        (folder / "sweep.json").write_text(json.dumps(data), "utf-8")
    found = gate_coverage(tmp_path, tmp_path, [run(Verdict.HELD)], LINKS)
    assert found is not None
    assert {point.action for point in found.hit} == {"cut_before", "stall"}
