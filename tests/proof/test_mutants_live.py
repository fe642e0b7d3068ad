"""`ablate --mutants` as a user runs it: real servers, and mutated copies of the tiny service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from tests.cli.support import runs_by_id, summary_in
from tests.tiny import run_harness, write_suite

LIST = """\
schema = "harness.mutants/1"
copies = ["service.py"]

[[mutant]]
id = "stores_nothing"
file = "service.py"
where = "Store.insert"
before = "await self._connection.execute(INSERT, name, digest)"
after = "pass"
scenario = "healthy[no_fault]"
fails = "acknowledged_is_stored"

[[mutant]]
id = "says_it_otherwise"
file = "service.py"
where = "take"
before = '"not now"'
after = '"another time"'
scenario = "healthy[no_fault]"
fails = "outcome"
match = "another time"

[[mutant]]
id = "stores_nothing_and_is_blamed_for_more"
file = "service.py"
where = "Store.insert"
before = "await self._connection.execute(INSERT, name, digest)"
after = "await self._connection.execute('SELECT 1')"
scenario = "healthy[no_fault]"
fails = "stored_once"

[[mutant]]
id = "does_not_start"
file = "service.py"
where = "serve"
before = "application = "
after = "application = sys.exit('no more') or "
scenario = "healthy[no_fault]"
fails = "alive"
match = "no more"

[[mutant]]
id = "says_the_same"
file = "service.py"
where = "Store.insert"
before = "reversed(range(self._tries))"
after = "range(self._tries - 1, -1, -1)"
equivalent = "The same numbers in the same order."
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A suite whose service is forked, and what the verb said of its mutants."""
    folder = write_suite(tmp_path_factory.mktemp("mutants"))
    (folder / "scenarios" / "mutants.toml").write_text(LIST, "utf-8")
    process = run_harness("ablate", "--mutants", cwd=folder)
    assert process.returncode == 1, process.stdout + process.stderr
    return folder, process.stdout


def verdicts(folder: Path) -> dict[str, Any]:
    return {each["id"]: each["verdict"] for each in summary_in(folder)["mutants"]["mutants"]}


def test_it_is_the_mutated_copy_that_runs_and_the_scenario_says_what_it_is_worth(tried: tuple[Path, str]) -> None:
    folder, said = tried
    assert verdicts(folder) == {
        "stores_nothing": "killed",
        "says_it_otherwise": "survived",
        "stores_nothing_and_is_blamed_for_more": "misattributed",
        "does_not_start": "stillborn",
        "says_the_same": "equivalent",
    }
    assert "+ killed        stores_nothing  service.py healthy[no_fault]: failed by acknowledged_is_stored" in said
    assert "x survived      says_it_otherwise" in said
    assert "mutants: 1 killed, 1 survived, 1 misattributed, 1 stillborn, 1 equivalent" in said


def test_what_was_not_killed_is_in_the_findings_and_the_control_is_the_only_run(tried: tuple[Path, str]) -> None:
    summary = summary_in(tried[0])
    assert [(found["section"], found["subject"], found["kind"]) for found in summary["findings"]] == [
        ("mutants", "says_it_otherwise", "survived"),
        ("mutants", "stores_nothing_and_is_blamed_for_more", "misattributed"),
        ("mutants", "does_not_start", "stillborn"),
    ]
    assert "no more" in summary["findings"][2]["sentence"]
    assert {name: run["verdict"] for name, run in runs_by_id(summary).items()} == {"healthy[no_fault]": "held"}
    histories = [each["history"] for each in summary["mutants"]["mutants"] if each["history"]]
    assert len(histories) == 4
    assert all((tried[0] / ".results" / "latest" / history).is_file() for history in histories)


LACKING = """\
schema = "harness.mutants/1"
copies = ["service.py"]

[[mutant]]
id = "a_word_that_no_scenario_reads"
file = "service.py"
where = "alive"
before = '"alive"'
after = '"well"'
scenario = "cut"
fails = "outcome"
match = "status 500"
"""


def test_what_a_copy_lacks_kills_no_mutant(tmp_path: Path) -> None:
    folder = write_suite(tmp_path)
    (folder / "words.py").write_text('LOST = "lost"\n', "utf-8")
    service, needs_words = folder / "service.py", "except LOST as problem:\n                    import words\n"
    service.write_text(service.read_text("utf-8").replace("except LOST as problem:\n", needs_words), "utf-8")
    (folder / "scenarios" / "mutants.toml").write_text(LACKING, "utf-8")
    process = run_harness("ablate", "--mutants", cwd=folder)
    assert process.returncode == 1, process.stdout + process.stderr
    assert verdicts(folder) == {"a_word_that_no_scenario_reads": "masked"}
    assert "against an unchanged copy of service.py, the control, cut@whole, failed too: outcome" in process.stdout
    assert "name in `copies` of scenarios/mutants.toml what the copy lacks" in process.stdout
    assert {name: run["verdict"] for name, run in runs_by_id(summary_in(folder)).items()} == {"cut": "failed"}


def test_a_mutant_that_there_is_not_is_told_before_anything_runs(tried: tuple[Path, str], tmp_path: Path) -> None:
    results = tmp_path / "results"
    process = run_harness("ablate", "--mutants", "store_nothing", "--results", str(results), cwd=tried[0])
    assert process.returncode == 4, process.stdout
    assert "closest valid: 'stores_nothing'" in process.stderr
    assert not results.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mutants", "--matrix"], "--matrix is about protections, --mutants is not\n  mend: leave one of them out"),
        (["--mutant-list", "mutants.toml"], "--mutant-list is read with --mutants only\n  mend: add --mutants"),
    ],
)
def test_options_that_do_not_go_together(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ablate", *words]) == 4
    assert said in capsys.readouterr().err
