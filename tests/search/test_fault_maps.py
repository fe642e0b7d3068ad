"""What a sweep found and what was covered, as the maps that a report draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.present.maps.fault_map import read_maps
from harness.present.maps.map_files import leave_maps
from harness.present.maps.mapping import coverage_map, sweep_maps
from harness.search.recording.places import Point
from harness.search.space.coverage import coverage_of
from harness.search.sweep.results import CellVerdict, RowOfMap, SweepResults
from tests.search.made import cell, place, result
from tests.search.space.test_coverage import SPACE, SUBJECT
from tests.search.space.test_coverage import swept as swept_one

OLD, NEW, RUN = (f"2026010{n}T000000Z-000000" for n in (1, 2, 3))


def swept(folder: Path, **more: Any) -> None:
    """A sweep with cells beside each other that held, a gap, and one that failed."""
    verdicts = {0: CellVerdict.HELD, 1: CellVerdict.HELD, 2: CellVerdict.FAILED, 5: CellVerdict.HELD}
    cells = [result(verdict, cell(f"cut@{passed}")) for passed, verdict in verdicts.items()]
    cells += [result(CellVerdict.HELD, cell("drop")), result(CellVerdict.NOTICED, cell("corrupt"))]
    rows = [RowOfMap("warm", place(), 9), RowOfMap("fresh", place(), 9)]
    swept_one(folder, "drop", of=SweepResults(rows=rows, cells=cells, planned=6), **more)


def test_bytes_that_ended_alike_are_one_run(tmp_path: Path) -> None:
    swept(tmp_path / OLD)
    actions, of_bytes = sweep_maps(tmp_path, SUBJECT, tmp_path / RUN, [])
    (row,) = of_bytes.rows
    assert row.runs == ((0, 1, "h"), (2, 2, "F"), (5, 5, "h"))
    assert {sign.letter: sign.count for sign in of_bytes.signs} == {"F": 1, "h": 3}
    assert row.told == str(place())
    assert actions.columns == ("drop", "corrupt")
    assert actions.rows[0].runs == ((0, 0, "h"), (1, 1, "n"))
    assert of_bytes.link == f"../{OLD}/sweep.html"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"revision": "def"}, "of another commit, def, or of a changed copy"),
        ({"part": True}, "a part of the fault space"),
        ({"complete": False}, "it was ended early"),
    ],
)
def test_a_sweep_of_another_commit_or_of_a_part_says_so(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    swept(tmp_path / OLD)
    swept(tmp_path / NEW, **more)
    maps = sweep_maps(tmp_path, SUBJECT, tmp_path / RUN, [])
    assert [said in each.about for each in maps] == [True, True]
    assert [each.link for each in maps] == [f"../{NEW}/sweep.html"] * 2, "the newest"


@pytest.mark.parametrize("other", [{"target": "other.toml"}, {"profile": "bare"}, {"without": ("pool.pre_ping",)}])
def test_a_sweep_of_something_else_is_not_shown(tmp_path: Path, other: dict[str, Any]) -> None:
    swept(tmp_path / OLD, **other)
    assert sweep_maps(tmp_path, SUBJECT, tmp_path / RUN, []) == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '"verdict": "failed"',
            '"verdict": "grand"',
            "cells[2] (warm/postgres/sent/commit/Query/COMMIT/1/cut@2): verdict = 'grand': ",
        ),
        ('"id": "warm/', '"id": "tepid/', "cells[0] (tepid/postgres/sent/commit/Query/COMMIT/1/cut@0): id = 'tepid/"),
        ('"harness.sweep/1"', '"harness.sweep/0"', "schema = 'harness.sweep/0': "),
        ('/1/drop"', '/1/vanish"', "cells[4] (warm/postgres/sent/commit/Query/COMMIT/1/vanish): id = 'warm/"),
        ('"place": "postgres/sent', '"place": "postgres/sunk', "messages[0]: place = 'postgres/sunk/"),
    ],
)
def test_a_sweep_of_another_version_is_left_out_and_said_so(tmp_path: Path, old: str, new: str, said: str) -> None:
    swept(tmp_path / OLD)
    swept(tmp_path / NEW)
    path = tmp_path / NEW / "sweep.json"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    unread: list[str] = []
    maps = sweep_maps(tmp_path, SUBJECT, tmp_path / RUN, unread)
    assert {each.link for each in maps} == {f"../{OLD}/sweep.html"}, "the newest that can be read"
    (sentence,) = unread
    assert sentence.startswith(f"a sweep is left out: {path}: {said}")


def test_a_sweep_in_a_folder_of_another_name_is_drawn_without_a_link(tmp_path: Path) -> None:
    swept(tmp_path / "kept. for later")
    maps = sweep_maps(tmp_path, SUBJECT, tmp_path / RUN, [])
    assert [each.link for each in maps] == ["", ""]


def test_maps_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (told,) = leave_maps(tmp_path / "gone", tmp_path, SUBJECT, [coverage_map(coverage_of(SPACE, ()))])
    assert told.startswith(f"{tmp_path / 'gone'}: FileNotFoundError: ")


def test_a_broken_sweep_leaves_the_coverage_map_and_the_reason(tmp_path: Path) -> None:
    run = tmp_path / RUN
    for folder in (run, tmp_path / OLD):
        folder.mkdir()
    (tmp_path / OLD / "sweep.json").write_text('{"schema": "harness.sweep/1", "run": null}', "utf-8")
    (told,) = leave_maps(run, tmp_path, SUBJECT, [coverage_map(coverage_of(SPACE, ()))])
    assert "sweep.json: complete = None: this key is missing" in told
    assert [each.of for each in read_maps(run).maps] == ["coverage"]
    assert read_maps(run).problems == (told,)


def test_maps_of_the_runs_own_that_cannot_be_read_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "maps.json").write_text("{", "utf-8")
    (told,) = leave_maps(tmp_path, tmp_path, SUBJECT)
    assert "maps.json: not JSON: " in told
    assert (tmp_path / "maps.json").read_text("utf-8") == "{"


def test_coverage_shows_every_point_hit_or_not() -> None:
    found = coverage_map(coverage_of(SPACE, {Point(place(), "drop"), Point(place(), "stall")}))
    letters = "".join(letter * (end - begin + 1) for row in found.rows for begin, end, letter in row.runs)
    assert (letters.count("h"), letters.count(".")) == (2, len(SPACE.points) - 2)
    (row,) = [row for row in found.rows if row.told == str(place())]
    hit = {found.columns[n] for begin, end, letter in row.runs if letter == "h" for n in range(begin, end + 1)}
    assert hit == {"drop", "stall"}


def test_a_report_written_again_has_the_coverage_of_its_gate_and_the_newest_sweep(tmp_path: Path) -> None:
    run = tmp_path / RUN
    run.mkdir()
    leave_maps(run, tmp_path, SUBJECT)
    assert read_maps(run).maps == (), "nothing to show"
    leave_maps(run, tmp_path, SUBJECT, [coverage_map(coverage_of(SPACE, ()))])
    swept(tmp_path / OLD)
    leave_maps(run, tmp_path, SUBJECT)
    leave_maps(run, tmp_path, SUBJECT)
    assert [each.of for each in read_maps(run).maps] == ["coverage", "sweep", "sweep"]
