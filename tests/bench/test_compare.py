from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bench import compare
from bench.arms import Plan, Rounds
from bench.compare import AGAIN, BASE, NOW, Figure, checked_out, compared, judged, printed, read
from harness.errors import HarnessError, UsageError

CPU, SPEED = Figure("CPU", "hardened", "us"), Figure("Speed", "hardened", "requests/s")


def _quiet(_: str) -> None:
    pass


def _rounds(now: list[float], base: list[float], again: list[float]) -> Rounds:
    return Rounds({NOW: {str(CPU): now}, BASE: {str(CPU): base}, AGAIN: {str(CPU): again}})


def test_what_is_beyond_a_a_is_told_in_words() -> None:
    found = judged("healthy", [CPU], _rounds([120.0, 244.0], [100.0, 200.0], [101.0, 198.0]), [])

    line, control = found.tables[0].lines
    assert line.ratio.median == pytest.approx(1.21)
    assert (line.beyond_control, control.control) == (True, True)
    assert found.notes == (
        "healthy: CPU: hardened is WORSE: 1.210 [1.200, 1.220] of the base's us, beyond A/A.",
    )  # fmt: skip


def test_more_requests_a_second_are_better() -> None:
    rounds = Rounds({arm: {str(SPEED): [value]} for arm, value in ((NOW, 200.0), (BASE, 100.0), (AGAIN, 101.0))})

    assert "is better: 2.000" in judged("healthy", [SPEED], rounds, []).notes[0]


def test_what_the_noise_hides_is_no_difference() -> None:
    found = judged("healthy", [CPU], _rounds([120.0, 200.0], [100.0, 200.0], [125.0, 190.0]), ["CPU: grouped"])

    assert found.tables[0].lines[0].beyond_control is False
    assert found.notes == ("healthy: nothing is beyond A/A.", "healthy: only one of the two has CPU: grouped.")


def test_a_figure_that_was_lost_in_the_noise_has_no_ratio() -> None:
    found = judged("relay", [CPU], _rounds([120.0, -1.0], [100.0, 200.0], [125.0, 190.0]), [])

    assert found.tables == ()
    assert "not above 0 in each round" in found.notes[1]


def _report(*, us: float = 5.0, schema: str = "bench.report/1") -> str:
    lines = [{"name": "hardened", "median": us, "control": False}, {"name": "again", "median": 1.0, "control": True}]
    return json.dumps({"schema": schema, "tables": [{"title": "CPU", "unit": "us", "lines": lines}]})


def test_a_report_is_read_without_its_own_a_a() -> None:
    assert read(_report()) == {CPU: 5.0}


@pytest.mark.parametrize("text", ["", "{}", "[]", _report(schema="bench.report/2")])
def test_another_commits_report_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(HarnessError, match="choose a later base"):
        read(text)


def test_a_commit_is_checked_out_for_a_while() -> None:
    with checked_out("HEAD") as folder:
        assert (folder / "bench" / "__main__.py").exists()
        assert not (folder / ".git").exists()
    assert not folder.exists()


def test_a_commit_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match="git has no such commit"), checked_out("no-such-commit"):
        pass


def test_python_runs_the_code_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "said.py").write_text("import sys; print('of this folder', sys.argv[1:])")

    assert printed(tmp_path, ("-m", "said", "x")) == "of this folder ['x']\n"


def test_what_a_benchmark_of_the_base_dies_of_is_told(tmp_path: Path) -> None:
    (tmp_path / "said.py").write_text("raise SystemExit('no server')")

    with pytest.raises(HarnessError, match=r"ended with status 1:\nno server"):
        printed(tmp_path, ("-m", "said"))


def test_two_commits_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a repository whose benchmark prints a number that its next commit has changed."""
    turns = tmp_path / "turns"
    repository = tmp_path / "repository"
    (repository / "bench").mkdir(parents=True)
    (repository / "bench" / "__init__.py").touch()
    program = repository / "bench" / "__main__.py"

    def write(us: float) -> None:
        program.write_text(f"open({str(turns)!r}, 'a').write('{us:g} ')\nprint({_report(us=us)!r})\n")

    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=repository, check=True)

    write(10.0)
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "the base")
    write(5.0)
    monkeypatch.setattr(compare, "ROOT", repository)

    found = compared("HEAD", ["any"], Plan(rounds=2, budget_s=1e9), _quiet)

    assert found.notes == ("any: CPU: hardened is better: 0.500 [0.500, 0.500] of the base's us, beyond A/A.",)
    taken = turns.read_text("utf-8").split()
    assert (taken.count("10"), taken.count("5")) == (9, 5), "once without counting, then twice a round"
