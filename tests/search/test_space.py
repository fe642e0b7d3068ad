"""The committed file: sorted, one line a point, and what changed is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.search.space.space import FaultSpace, changes, read_space, space_of
from tests.search.made import made_recording

RECORDED = [made_recording("fresh"), made_recording("warm")]


def test_it_reads_back(tmp_path: Path) -> None:
    space = space_of(RECORDED, floor_percent=97.5)
    space.write(tmp_path / "fault_space.txt")
    assert read_space(tmp_path / "fault_space.txt") == space
    assert not changes(space, read_space(tmp_path / "fault_space.txt"))


def test_points_are_sorted_and_say_in_which_deliveries_they_occur() -> None:
    lines = [line for line in space_of(RECORDED).text().splitlines() if " @ " in line]
    assert lines == sorted(lines)
    assert "postgres/sent/commit/Query/COMMIT/1/cut_before @ fresh warm" in lines


def test_each_exclusion_stands_in_it_with_its_reason() -> None:
    text = space_of(RECORDED).text()
    assert "exclude: late | sent messages | only an answer can come late enough" in text


def test_a_new_statement_makes_new_points_and_one_less_takes_some_away() -> None:
    recorded = space_of(RECORDED)
    fewer = FaultSpace({point: kinds for point, kinds in recorded.points.items() if point.place.text != "COMMIT"})
    grown = changes(fewer, recorded)
    assert {point.place.text for point in grown.new} == {"COMMIT"}
    assert not grown.gone
    assert {point.place.text for point in changes(recorded, fewer).gone} == {"COMMIT"}


def test_a_changed_exclusion_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "fault_space.txt"
    path.write_text(space_of(RECORDED).text().replace("exclude: hold", "exclude: held"), "utf-8")
    assert changes(read_space(path), space_of(RECORDED)).exclusions


@pytest.mark.parametrize(
    ("without", "told"),
    [(" @ ", "points = 0: the fault space has none"), ("floor: ", "floor = None: no such line")],
)
def test_a_file_that_lost_its_points_or_its_floor_is_refused(tmp_path: Path, without: str, told: str) -> None:
    path = tmp_path / "fault_space.txt"
    lines = space_of(RECORDED, floor_percent=95).text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if without not in line or line.startswith("#")), "utf-8")
    with pytest.raises(UsageError, match=told):
        read_space(path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("# harness.fault_space/1", "# something", "line 1"),
        ("floor: 0%", "floor: much", "floor"),
        ("floor: 0%", "floor: 200%", "floor"),
        ("/1/cut_before @", "/0/cut_before @", "not a point"),
        ("@ fresh warm", "@ fresh wam", "closest valid: 'warm'"),
    ],
)
def test_a_broken_file_is_refused_by_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "fault_space.txt"
    path.write_text(space_of(RECORDED).text().replace(old, new, 1), "utf-8")
    with pytest.raises(UsageError, match=told):
        read_space(path)
