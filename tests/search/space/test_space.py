"""The committed file: sorted, one line a point, and what changed is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.compare.baseline import FILE, read_baseline
from harness.errors import UsageError
from harness.search.space.space import FaultSpace, changes, committed_space, read_space, space_of
from tests.search.conftest import TARGET
from tests.search.made import made_recording

RECORDED = [made_recording("fresh"), made_recording("warm")]


def test_it_reads_back(tmp_path: Path) -> None:
    space = space_of(RECORDED, floor_percent=97.5)
    space.write(tmp_path / "fault_space.toml")
    assert read_space(tmp_path / "fault_space.toml") == space
    assert not changes(space, read_space(tmp_path / "fault_space.toml"))


def test_points_are_sorted_and_say_in_which_deliveries_they_occur() -> None:
    lines = [line for line in space_of(RECORDED).text().splitlines() if line.startswith('"postgres')]
    assert lines == sorted(lines)
    assert '"postgres/sent/commit/Query/COMMIT/1/cut_before" = "fresh warm"' in lines


def test_each_exclusion_stands_in_it_with_its_reason() -> None:
    text = space_of(RECORDED).text()
    assert '"late | sent messages | only an answer can come late enough to meet the next request"' in text


def test_a_new_statement_makes_new_points_and_one_less_takes_some_away() -> None:
    recorded = space_of(RECORDED)
    fewer = FaultSpace({point: kinds for point, kinds in recorded.points.items() if point.place.text != "COMMIT"})
    grown = changes(fewer, recorded)
    assert {point.place.text for point in grown.new} == {"COMMIT"}
    assert not grown.gone
    assert {point.place.text for point in changes(recorded, fewer).gone} == {"COMMIT"}


def test_the_committed_space_has_what_the_committed_baseline_asks_for() -> None:
    space, baseline = committed_space(TARGET.parent), read_baseline(TARGET.with_name(FILE), target="webhook")
    assert space is not None
    assert baseline is not None
    assert baseline.fault_space_points is not None
    assert len(space.points) >= baseline.fault_space_points


def test_a_changed_exclusion_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "fault_space.toml"
    path.write_text(space_of(RECORDED).text().replace('"hold |', '"held |'), "utf-8")
    assert changes(read_space(path), space_of(RECORDED)).exclusions


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ("/1/", "points = 0: the fault space has none"),
        ("floor_percent = ", "floor_percent = None: this key is missing"),
    ],
)
def test_a_file_that_lost_its_points_or_its_floor_is_refused(tmp_path: Path, without: str, told: str) -> None:
    path = tmp_path / "fault_space.toml"
    lines = space_of(RECORDED, floor_percent=95).text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if without not in line or line.startswith("#")), "utf-8")
    with pytest.raises(UsageError, match=told):
        read_space(path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('schema = "harness.fault_space/2"', 'schema = "harness.fault_space/3"', "another kind or version"),
        ("floor_percent = 0", 'floor_percent = "much"', "floor_percent = 'much'"),
        ("floor_percent = 0", "floor_percent = 200", "less than or equal to 100"),
        ('/1/cut_before" =', '/0/cut_before" =', "not a point of the fault space"),
        ('"fresh warm"', '"fresh wam"', "'wam' is no kind of delivery.*valid: copies, fresh"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "fault_space.toml"
    path.write_text(space_of(RECORDED).text().replace(old, new, 1), "utf-8")
    with pytest.raises(UsageError, match=told):
        read_space(path)


def test_a_file_of_the_version_before_is_refused_in_words_and_not_passed_over(tmp_path: Path) -> None:
    assert committed_space(tmp_path) is None
    (tmp_path / "fault_space.txt").write_text("# harness.fault_space/1\n", "utf-8")
    with pytest.raises(UsageError, match="an older version") as caught:
        committed_space(tmp_path)
    assert "coverage --update --floor" in caught.value.hint
    space_of(RECORDED).write(tmp_path / "fault_space.toml")
    assert committed_space(tmp_path) == space_of(RECORDED)
