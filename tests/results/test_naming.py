"""A run is found by its path, by its name, or by none; and a refusal says where it was looked for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.results.naming import newest_run, run_named, summaries_in
from harness.results.reading import read_summary
from tests.results.made import summary_of

NAMES = [f"202602{n:02}T101112Z-abcdef" for n in range(1, 13)]


def run(results: Path, name: str, verb: str = "gate") -> Path:
    summary = summary_of()
    info = dataclasses.replace(summary.info, verb=verb)
    path = results / name / "summary.json"
    path.parent.mkdir(parents=True)
    path.write_text(dataclasses.replace(summary, info=info).text(lambda _: None), "utf-8")
    return path


def test_a_sweep_that_came_later_is_no_run(tmp_path: Path) -> None:
    run(tmp_path, NAMES[0])
    newest = run(tmp_path, NAMES[1])
    (tmp_path / NAMES[2]).mkdir()
    (tmp_path / NAMES[2] / "sweep.json").touch()
    (tmp_path / "latest").symlink_to(NAMES[2])
    assert newest_run(tmp_path) == run_named("latest", tmp_path) == newest
    assert summaries_in(tmp_path)[-1] == newest


def test_a_record_is_made_of_no_quick_run(tmp_path: Path) -> None:
    gate = run(tmp_path, NAMES[0])
    quick = run(tmp_path, NAMES[1], "run")
    (tmp_path / "latest").symlink_to(NAMES[1])
    assert newest_run(tmp_path).samefile(quick)
    assert newest_run(tmp_path, of_run=False) == gate
    assert [read_summary(tmp_path, of_run=of_run).quick for of_run in (True, False)] == [True, False]


def test_a_run_is_named_in_every_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = run(tmp_path / "results", NAMES[0])
    monkeypatch.chdir(tmp_path)
    for word in (NAMES[0], path, path.parent, f"results/{NAMES[0]}", "results", f"{NAMES[0]}/summary.json"):
        assert run_named(word, Path("results")).samefile(path), word


def test_an_unknown_name_is_told_with_the_nearest_and_the_newest_once(tmp_path: Path) -> None:
    for name in NAMES:
        run(tmp_path, name)
    with pytest.raises(UsageError, match=f"no such run in {tmp_path}; here are some of its 12") as told:
        run_named("nosuch", tmp_path)
    text = str(told.value)
    assert [text.count(name) for name in NAMES] == [0] * 4 + [1] * 8
    with pytest.raises(UsageError, match=f"closest valid: '{NAMES[0]}'.*(?s:.*)mend: write '{NAMES[0]}'"):
        run_named(f"{NAMES[0][:-1]}0", tmp_path)


@pytest.mark.parametrize("of_run", [True, False])
def test_where_there_is_none_the_place_is_told(tmp_path: Path, *, of_run: bool) -> None:
    with pytest.raises(UsageError, match=f"{tmp_path}: no run in here has a summary.json"):
        newest_run(tmp_path, of_run=of_run)
    with pytest.raises(UsageError, match=f"RUN = 'x': no such run in {tmp_path}, which has none"):
        run_named("x", tmp_path)
