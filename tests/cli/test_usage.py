"""Exit status 4: what the user asked for does not exist or does not fit, and nothing is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from tests.tiny import run_harness


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gate", "--profile", "wohle"], "--profile: name = 'wohle': no such profile; closest valid: 'whole'"),
        (["gate", "--without", "rerty"], "--without: name = 'rerty': no such protection; closest valid: 'retry'"),
        (["gate", "--without", "retry,stroe"], "closest valid: 'store'"),
        (["gate", "--proofs", "--without", "retry"], "each proof itself says what is off"),
        (["run", "cut", "--proofs", "--without", "retry"], "each proof itself says what is off"),
        (["gate", "--target", "scenarios/traget.toml"], "closest valid: 'scenarios/target.toml'"),
        (["gate", "--scenarios", "scenrios", "--target", "scenarios/target.toml"], "there is no such folder"),
        (["gate", "--seed", "x"], "'x' is not a valid integer"),
        (["gate", "--seed", "x"], "mend: write --seed 1, say"),
        (["gate", "--patience", "0"], "0.0 is not in the range x>0"),
        (["gate", "--patience", "nan"], "nan is not a number of seconds"),
        (["gate", "--patience", "inf"], "mend: write --patience 1, say"),
        (["gate", "--profil", "whole"], "Did you mean one of: '--profile', '--proofs'?"),
        (["gate", "--profil", "whole"], "mend: write --profile"),
        (["ablate", "--suite", "standard"], "mend: add --matrix, which runs each without each protection"),
        (["ablate", "--mutants", "--suite", "standard"], "a mutant names a scenario of your own"),
        (["gaet"], "Did you mean 'gate'?"),
        (["gaet"], "mend: write gate"),
        (["run"], "Missing argument 'ID...'"),
        (["up", "--target", "scenarios/traget.toml"], "closest valid: 'scenarios/target.toml'"),
        (["soak"], "Missing option '--runs'"),
        (["soak", "--runs", "0"], "0 is not in the range"),
        (["soak", "--runs", "0"], "mend: write --runs 1, say"),
        (["replay"], "-m harness replay --help"),
        (["replay", "nothing.json"], "nothing.json: file = 'nothing.json': there is no such file"),
    ],
)
def test_it_is_told_with_the_closest_valid_word(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    monkeypatch.chdir(suite)
    assert main(words) == 4
    assert said in capsys.readouterr().err
    assert not (suite / ".results").exists()


def test_an_id_that_does_not_exist(suite: Path) -> None:
    process = run_harness("gate", "too_much_aksed", cwd=suite)
    assert process.returncode == 4
    assert "closest valid: 'too_much_asked'" in process.stderr
    assert "mend: write 'too_much_asked'" in process.stderr


def test_a_suite_that_cannot_be_imported(suite: Path) -> None:
    (suite / "scenarios" / "all_verdicts.py").write_text("import nothing_of_this_name\n")
    process = run_harness("gate", cwd=suite)
    assert process.returncode == 4
    assert "scenarios/all_verdicts.py" in process.stderr
    assert "No module named 'nothing_of_this_name'" in process.stderr


def test_a_fault_space_that_cannot_be_read_is_refused_before_anything_runs(suite: Path) -> None:
    (suite / "scenarios" / "fault_space.toml").write_text("something else\n", "utf-8")
    process = run_harness("gate", cwd=suite)
    assert process.returncode == 4
    assert "fault_space.toml: not TOML" in process.stderr
    assert not (suite / ".results").exists()


def test_a_suite_without_scenarios_is_5(suite: Path) -> None:
    (suite / "scenarios" / "all_verdicts.py").unlink()
    process = run_harness("gate", cwd=suite)
    assert process.returncode == 5
    assert "nothing ran" in process.stdout


def test_no_verb_is_help_and_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 4
    assert "gate" in capsys.readouterr().err


def test_help_is_no_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate", "--help"]) == 0
    assert "5 nothing ran" in capsys.readouterr().out


def test_a_defect_of_the_harness_is_3_and_told_in_full(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(suite)
    monkeypatch.setattr("harness.cli.chosen.load_target", lambda _: 1 // 0)
    assert main(["gate"]) == 3
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "defect of the harness" in said
