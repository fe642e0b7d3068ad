"""Evidence marks the points that it tells of, and what was not judged marks none."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from harness.checks import Verdict
from harness.history.events import MessageMet
from harness.present.maps.sweep_page import write_page
from harness.results import Evidence, Role, RunKey, RunResult
from harness.results.reading import read_summary
from harness.search.recording.places import CellId, Point
from harness.search.space.coverage import (
    Subject,
    coverage_of,
    gate_coverage,
    hit_by_evidence,
    hit_by_runs,
    hit_by_summary,
    hit_by_sweep,
    newest_gate,
    newest_sweep,
)
from harness.search.space.space import FaultSpace, space_of
from harness.search.space.swept import read_sweep
from harness.search.sweep.plan import Choice
from harness.search.sweep.report import SweepReport
from harness.search.sweep.results import CellVerdict
from tests.results.made import summary_of
from tests.search.made import cell, made_recording, place, result, results

SPACE = space_of([made_recording()], floor_percent=50)
LINKS = {"postgres": "postgres", "redis": "redis"}
OLD, NEW = (f"2026010{n}T000000Z-000000" for n in (1, 2))
SUBJECT = Subject(target="target.toml", profile="hardened", without=(), revision="abc")


def met(**more: Any) -> MessageMet:
    given = {"link": "postgres", "connection": 3, "port": 4711, "message": "Query", "direction": "sent",
             "text": "COMMIT", "offset": 512, "passed_bytes": 0, **more}  # fmt: skip
    return MessageMet(**given)


@pytest.mark.parametrize(
    ("kind", "at", "action"),
    [
        ("wire_cut", met(), "cut_before"),
        ("wire_cut", met(passed_bytes=13, whole=True), "cut_after"),
        ("wire_reset", met(), "reset_before"),
        ("wire_stall", met(), "stall"),
        ("wire_drop_and_close", met(), "cut_before"),
        ("wire_fail", met(code="40001"), "error_40001"),
    ],
)
def test_evidence_of_a_scenario_marks_its_point(kind: str, at: MessageMet, action: str) -> None:
    assert hit_by_evidence(SPACE, kind, at, LINKS) == {Point(place(), action)}


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        ("link_down", met()),
        ("wire_cut", None),
        ("wire_cut", met(link="elsewhere")),
        ("wire_cut", met(text="VACUUM")),
        ("wire_cut", met(direction="answered")),
        ("wire_cut", met(message="Execute")),
        ("wire_cut", met(passed_bytes=5)),
        ("wire_reset", met(passed_bytes=5)),
    ],
)
def test_what_tells_of_no_point_marks_none(kind: str, at: MessageMet | None) -> None:
    assert hit_by_evidence(SPACE, kind, at, LINKS) == set()


def test_one_piece_of_evidence_marks_one_point() -> None:
    points = [Point(place(occurrence=number), "cut_before") for number in (2, 1)]
    space = FaultSpace(dict.fromkeys(points, ("copies",)))
    assert hit_by_evidence(space, "wire_cut", met(), LINKS) == {points[1]}


def run(verdict: Verdict, role: Role = "scenario") -> RunResult:
    evidence = Evidence("wire_cut", "relay", 1, met().told, met())
    return RunResult(
        key=RunKey("x", "hardened"), theme="t", verdict=verdict, reason="", evidence=(evidence,), duration_s=1,
        overhead_s=0, seed=0, repro="", history=None, schedule=None, role=role,
    )  # fmt: skip


def summary_in(folder: Path, result: RunResult) -> None:
    (folder / "summary.json").write_text(summary_of(result).text(lambda _: None), "utf-8")


@pytest.mark.parametrize(
    ("verdict", "count"), [(Verdict.HELD, 1), (Verdict.FAILED, 1), (Verdict.INCONCLUSIVE, 0), (Verdict.UNAVAILABLE, 0)]
)
def test_only_what_was_judged_counts(verdict: Verdict, count: int, tmp_path: Path) -> None:
    assert len(hit_by_runs(SPACE, [run(verdict)], LINKS)) == count
    summary_in(tmp_path, run(verdict))
    assert len(hit_by_summary(SPACE, read_summary(tmp_path), LINKS)) == count


@pytest.mark.parametrize(("role", "count"), [("control", 1), ("ablated", 0)])
def test_a_run_that_is_there_to_fail_marks_none(role: Role, count: int, tmp_path: Path) -> None:
    assert len(hit_by_runs(SPACE, [run(Verdict.FAILED, role)], LINKS)) == count
    summary_in(tmp_path, run(Verdict.FAILED, role))
    assert len(hit_by_summary(SPACE, read_summary(tmp_path), LINKS)) == count


def test_a_sweep_marks_what_it_judged(tmp_path: Path) -> None:
    at = place()
    pair = CellId("warm", Point(at, "cut_after"), Point(at, "reset_before"))
    cells = [
        result(CellVerdict.HELD, cell("cut_before")), result(CellVerdict.FAILED, cell("stall")),
        result(CellVerdict.INCONCLUSIVE, cell("drop")), result(CellVerdict.HELD, pair, struck=2),
        result(CellVerdict.FAILED, cell("delay"), struck=0),
        result(CellVerdict.FAILED, CellId("warm", Point(at, "reset_after"), Point(at, "error_40001"))),
    ]  # fmt: skip
    swept(tmp_path / OLD, "", of=results(*cells))
    actions = {point.action for point in hit_by_sweep(read_sweep(tmp_path / OLD / "sweep.json"))}
    assert actions == {"cut_before", "stall", "cut_after", "reset_before", "reset_after"}


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


def swept(folder: Path, action: str, **more: Any) -> None:
    """A sweep of one cell, as it is written."""
    info = dataclasses.replace(summary_of().info, target="target.toml", revision=more.pop("revision", "abc"))
    info = dataclasses.replace(info, **{key: more.pop(key) for key in ("target", "profile") if key in more})
    given = {"complete": True}
    found = more.pop("of", None) or results(result(CellVerdict.HELD, cell(action)))
    report = SweepReport(info=info, results=found, stories={}, repro="", exit_status=0, **{**given, **more})
    folder.mkdir()
    report.write(folder)
    write_page(report, folder)


def test_a_gate_counts_its_own_runs_and_the_newest_sweep(tmp_path: Path) -> None:
    assert gate_coverage(tmp_path, tmp_path, [], SUBJECT, []) is None
    SPACE.write(tmp_path / "fault_space.toml")
    swept(tmp_path / "20260101T000000Z-000000", "drop")
    swept(tmp_path / "20260102T000000Z-000000", "stall")
    found = gate_coverage(tmp_path, tmp_path, [run(Verdict.HELD)], SUBJECT, [], LINKS)
    assert found is not None
    assert {point.action for point in found.hit} == {"cut_before", "stall"}


@pytest.mark.parametrize(
    "other",
    [
        {"target": "other.toml"}, {"profile": "unprotected"}, {"without": ("pool.pre_ping",)},
        {"revision": "abc+dirty"}, {"complete": False}, {"part": True},
    ],
    ids=str,
)  # fmt: skip
def test_a_sweep_of_something_else_or_of_a_part_does_not_count(other: dict[str, Any], tmp_path: Path) -> None:
    swept(tmp_path / "20260101T000000Z-000000", "drop")
    swept(tmp_path / "20260102T000000Z-000000", "stall", **other)
    newest = newest_sweep(tmp_path, SUBJECT, [])
    assert newest is not None
    assert newest.folder == tmp_path / OLD


def test_without_a_repository_no_sweep_counts(tmp_path: Path) -> None:
    swept(tmp_path / OLD, "drop", revision="")
    unread: list[str] = []
    assert newest_sweep(tmp_path, dataclasses.replace(SUBJECT, revision=""), unread) is None
    assert unread == ["sweeps are left out: without a repository nothing tells whether they were of these files"]


def test_a_sweep_of_no_commit_is_of_no_other(tmp_path: Path) -> None:
    swept(tmp_path / OLD, "drop", revision="")
    swept(tmp_path / NEW, "drop")
    nowhere, somewhere = (read_sweep(tmp_path / name / "sweep.json") for name in (OLD, NEW))
    assert SUBJECT.was_swept(somewhere)
    assert not SUBJECT.was_swept(nowhere)
    assert not dataclasses.replace(SUBJECT, revision="").was_swept(nowhere), "two trees without a commit may differ"


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"schema": "harness.sweep/1", "run": null}', '{"schema": "harness.sweep/0"}']
)
def test_a_sweep_that_cannot_be_read_is_named_and_an_older_one_counts(text: str, tmp_path: Path) -> None:
    swept(tmp_path / OLD, "drop")
    (tmp_path / NEW).mkdir()
    (tmp_path / NEW / "sweep.json").write_text(text, "utf-8")
    unread: list[str] = []
    newest = newest_sweep(tmp_path, SUBJECT, unread)
    assert newest is not None
    assert newest.folder == tmp_path / OLD
    assert [NEW in sentence for sentence in unread] == [True]


def gated(folder: Path, *ids: str, **info: Any) -> None:
    """A run of these scenarios that is over, as it is written."""
    summary = summary_of(*(dataclasses.replace(run(Verdict.HELD), key=RunKey(each, "hardened")) for each in ids))
    changed = dataclasses.replace(summary.info, **{"id": folder.name, "target": "target.toml", **info})
    folder.mkdir()
    (folder / "summary.json").write_text(dataclasses.replace(summary, info=changed).text(lambda _: None), "utf-8")


def test_the_newest_gate_is_the_newest_whole_one_of_the_same(tmp_path: Path) -> None:
    names = [f"2026010{n}T000000Z-000000" for n in range(1, 6)]
    gated(tmp_path / names[0], "a", "b")
    gated(tmp_path / names[1], "a", "b", revision="of another commit")
    gated(tmp_path / names[2], "b", command="python -m harness run b")
    gated(tmp_path / names[3], "a", "b", profile="bare")
    gated(tmp_path / names[4], "a", "b", target="other.toml")
    ended_early = tmp_path / "20260106T000000Z-000000"
    gated(ended_early, "a", "b")
    file = ended_early / "summary.json"
    file.write_text(file.read_text("utf-8").replace('"complete": true', '"complete": false'), "utf-8")
    assert not read_summary(ended_early).complete
    newest = newest_gate(tmp_path, ["a", "b"], SUBJECT, [])
    assert newest is not None
    assert newest.run.id == names[1]
    assert newest_gate(tmp_path, ["a", "b", "c"], SUBJECT, []) is None, "none is whole"


@pytest.mark.parametrize(
    ("choice", "part"),
    [
        (Choice(), False), (Choice(with_bytes=False), False), (Choice(only="COMMIT"), True), (Choice(limit=9), True),
        (Choice(kinds=("warm",)), True), (Choice(actions=("stall",)), True), (Choice(pairs=True), True),
    ],
)  # fmt: skip
def test_what_leaves_points_out_is_a_part(choice: Choice, part: bool) -> None:
    assert choice.part is part
