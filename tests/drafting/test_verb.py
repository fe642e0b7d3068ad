"""`harness new`, as a user runs it, and what it tells the user to run next."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from harness.drafting import draft, kinds
from harness.errors import UsageError
from harness.target import load_target
from tests.cli.support import runs_by_id, summary_in
from tests.tiny import CHECKOUT, completed, run_harness, write_suite

PARTS = 5
"""The drafts of all faults, so many gates."""
OF_OTHER_PROTOCOLS = {"wrong_length", "link.handshake"}
"""Faults of protocols that the webhook service does not speak."""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return write_suite(tmp_path)


def test_it_runs_at_once_and_what_it_proves_is_still_to_be_said(suite: Path) -> None:
    process = run_harness("new", "first", "--fault", "link.latency", "--proves", "retry", cwd=suite)
    assert process.returncode == 0, process.stderr
    assert "scenarios/first.py: link.latency on postgres, to prove retry" in process.stdout
    commands = [line.strip() for line in process.stdout.splitlines() if line.startswith("    ")]
    assert [shlex.split(line)[3] for line in commands] == ["run", "ablate", "run", "run"]
    run = completed(["sh", "-c", commands[0]], cwd=suite)
    assert run.returncode == 0, run.stdout
    assert runs_by_id(summary_in(suite))["first"]["verdict"] == "held"
    with_proofs = run_harness(*shlex.split(commands[-1])[3:], cwd=suite)
    assert with_proofs.returncode == 1, with_proofs.stdout
    assert "x toothless     first  first: retry unproved: " in with_proofs.stdout


def test_the_words_that_the_user_gave_are_in_what_comes_next(suite: Path) -> None:
    (suite / "scenarios").rename(suite / "ours")
    process = run_harness("new", "first", "--scenarios", "ours", cwd=suite)
    commands = [line for line in process.stdout.splitlines() if line.startswith("    ")]
    assert len(commands) == 4, process.stderr
    assert all(line.endswith(" --scenarios ours") for line in commands)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["all_verdicts"], "scenarios/all_verdicts.py exists already"),
        (["healthy"], "a scenario has this name already"),
        (["first", "--fault", "link.cutt"], "mend: write 'link.cut'"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(suite: Path, words: list[str], told: str) -> None:
    before = {path: path.read_bytes() for path in suite.rglob("*.*") if path.is_file()}
    process = run_harness("new", *words, cwd=suite)
    assert process.returncode == 4
    assert told in process.stderr
    after = {path: path.read_bytes() for path in suite.rglob("*.*") if path.is_file() and path.suffix != ".pyc"}
    assert after == before


@pytest.mark.parametrize("kind", sorted(OF_OTHER_PROTOCOLS))
def test_a_fault_of_a_protocol_that_the_target_does_not_speak_is_refused(kind: str) -> None:
    target = load_target(CHECKOUT / "scenarios" / "target.toml")
    with pytest.raises(UsageError, match="the target has none"):
        draft("first", target, kind=kind, link=None, protection=None)


def _kinds_for_the_webhook_service() -> list[str]:
    return [kind for kind in kinds() if not kind.startswith("test.") and kind not in OF_OTHER_PROTOCOLS]


def _hold(folder: Path, drafted: list[str]) -> None:
    """Draft a scenario of each kind of fault, and run them."""
    scenarios = folder / "scenarios"
    scenarios.mkdir()
    for name in ("__init__.py", "target.toml", "sender.py"):
        (scenarios / name).symlink_to(CHECKOUT / "scenarios" / name)
    target = load_target(scenarios / "target.toml")
    names = {kind: kind.replace(".", "_") for kind in drafted}
    for kind, name in names.items():
        text = draft(name, target, kind=kind, link=None, protection=None).text
        (scenarios / f"{name}.py").write_text(text, "utf-8")
    process = run_harness("gate", *names.values(), cwd=folder)
    runs = runs_by_id(summary_in(folder))
    told = {name: run["reason"] for name, run in runs.items() if run["verdict"] not in {"held", "unavailable"}}
    assert told == {}, process.stdout
    assert runs.keys() == set(names.values())


def test_a_draft_of_each_family_of_faults_holds_against_the_webhook_service(tmp_path: Path) -> None:
    first_of = {kind.split(".")[0]: kind for kind in reversed(_kinds_for_the_webhook_service())}
    assert len(first_of) > 5
    _hold(tmp_path, list(first_of.values()))


@pytest.mark.lengthy("test_a_draft_of_each_family_of_faults_holds_against_the_webhook_service")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_draft_holds_against_the_webhook_service(tmp_path: Path, part: int) -> None:
    _hold(tmp_path, _kinds_for_the_webhook_service()[part::PARTS])
