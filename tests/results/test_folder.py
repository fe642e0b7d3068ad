from __future__ import annotations

import dataclasses
import datetime as dt
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.results.files import write_atomically
from harness.results.folder import KEPT_RUNS, ResultsFolder, made_by_run, new_results_folder, remove_old_runs
from harness.results.reading import read_summary
from tests.results.made import summary_of

A_CENTURY_S = 100 * 365 * 24 * 3600
NOON = dt.datetime(2026, 2, 25, 12, tzinfo=dt.UTC)


def test_latest_follows_the_newest_run(tmp_path: Path) -> None:
    first = new_results_folder(tmp_path / "results")
    second = new_results_folder(tmp_path / "results")
    latest = tmp_path / "results" / "latest"
    assert first.path != second.path
    assert latest.resolve() == second.path
    assert not latest.readlink().is_absolute(), "the folder can be moved"


def test_git_leaves_a_new_folder_of_results_out_and_a_folder_of_the_users_own_stays_as_it_is(tmp_path: Path) -> None:
    new_results_folder(tmp_path / "results").release()
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    status = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert status.stdout == ""
    (tmp_path / "own").mkdir()
    new_results_folder(tmp_path / "own").release()
    assert not (tmp_path / "own" / ".gitignore").exists()


def test_names_sort_by_time(tmp_path: Path) -> None:
    later = new_results_folder(tmp_path, now=NOON + dt.timedelta(seconds=1))
    earlier = new_results_folder(tmp_path, now=NOON)
    assert earlier.id < later.id


def over(base: Path, second: int) -> ResultsFolder:
    """The folder of a run that is over."""
    folder = new_results_folder(base, now=NOON + dt.timedelta(seconds=second))
    folder.release()
    return folder


def test_a_run_that_is_under_way_is_kept(tmp_path: Path) -> None:
    mine = new_results_folder(tmp_path, now=NOON)
    others = [over(tmp_path, second) for second in range(1, KEPT_RUNS + 3)]
    assert mine.path.is_dir()
    assert [folder.path.exists() for folder in others] == [False, False] + [True] * KEPT_RUNS, "it keeps no other"
    mine.release()
    mine.release()
    over(tmp_path, KEPT_RUNS + 3)
    assert not mine.path.exists()


def test_a_run_that_was_killed_is_not_kept_for_ever(tmp_path: Path) -> None:
    command = "import os, signal, sys; from pathlib import Path; from harness.results.folder import *; "
    command += "folder = new_results_folder(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", command, str(tmp_path)], check=False).returncode == -signal.SIGKILL
    (killed,) = [path for path in tmp_path.iterdir() if not path.is_symlink()]
    over(tmp_path, A_CENTURY_S)
    assert remove_old_runs(tmp_path, keep=1) == [killed]


def test_only_the_newest_runs_are_kept(tmp_path: Path) -> None:
    foreign = tmp_path / "20260225"
    foreign.mkdir()
    made = [over(tmp_path, n) for n in range(KEPT_RUNS + 3)]
    there = {path.name for path in tmp_path.iterdir()}
    assert there == {foreign.name, "latest", *(folder.id for folder in made[3:])}


def made_by(base: Path, second: int, verb: str) -> Path:
    """A run that is over, with its summary."""
    folder = over(base, second)
    summary = summary_of()
    info = dataclasses.replace(summary.info, verb=verb)
    folder.summary.write_text(dataclasses.replace(summary, info=info).text(folder.relative), "utf-8")
    return folder.path


def test_runs_of_the_quick_loop_push_no_gate_and_no_sweep_out(tmp_path: Path) -> None:
    gate = made_by(tmp_path, 0, "gate")
    swept = over(tmp_path, 1)
    (swept.path / "sweep.json").touch()
    quick = [made_by(tmp_path, n, "run") for n in range(2, KEPT_RUNS + 5)]
    last = over(tmp_path, KEPT_RUNS + 5)
    there = {path for path in tmp_path.iterdir() if not path.is_symlink()}
    assert there == {gate, swept.path, *quick[-KEPT_RUNS:], last.path}


def test_a_folder_of_results_stands_for_its_newest_run_be_it_of_the_quick_loop_or_not(tmp_path: Path) -> None:
    for second, verb in enumerate(("sweep", "gate", "run")):
        made_by(tmp_path, second, verb)
    assert read_summary(tmp_path).run.verb == "run"
    assert read_summary(tmp_path, of_run=False).run.verb == "gate"


@pytest.mark.parametrize(
    ("text", "quick"),
    [
        ('{"run": {"verb": "run"}}', True),
        ('{"run": {"verb": "gate"}}', False),
        ('{"run": {"command": "python -m harness run cut"}}', False),  # of a harness that did not say its verb
        ('{"run": null}', False),
        ('{"run": {', False),
        ("", False),
    ],
)
def test_what_the_verb_run_made_is_known_by_its_verb(tmp_path: Path, text: str, *, quick: bool) -> None:
    (tmp_path / "summary.json").write_text(text, "utf-8")
    assert made_by_run(tmp_path) is quick


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UsageError, match=r"(?s)--results: folder = .*file.*mend"):
        new_results_folder(file)


def test_a_folder_named_latest_is_not_destroyed(tmp_path: Path) -> None:
    kept = tmp_path / "latest" / "kept"
    kept.mkdir(parents=True)
    with pytest.raises(UsageError):
        new_results_folder(tmp_path)
    assert kept.is_dir()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".latest")]


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    write_atomically(file, "one")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(file, "tw\ud800")
    assert file.read_text("utf-8") == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
