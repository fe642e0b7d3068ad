"""How a session closes when it is interrupted then, or when the disk is full."""

from __future__ import annotations

import errno
from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

import click
import pytest

from harness.cli.options import Output
from harness.cli.stage import perform
from harness.cli.verbs.runs.gate import gate
from harness.exit_status import ExitStatus
from harness.present.terminal.screen import Screen, Verbosity
from harness.results.finding import Finding
from harness.suite import Session, SuiteSettings
from harness.suite.selection.chosen import Chosen
from harness.target import load_target
from tests.cli.support import summary_in


def nothing(_: Session, __: Screen) -> None:
    """Run no scenario."""


def closed(suite: Path) -> ExitStatus:
    """The exit status of a session that ran nothing."""
    settings = SuiteSettings(scenarios=suite / "scenarios")
    target = load_target(settings.target_file)
    chosen = Chosen(settings=settings, target=target, profile="hardened", scenarios=(), chosen=(), listed={})
    with click.Context(gate, info_name="gate"):
        return perform(chosen, Output(as_json=False, verbosity=Verbosity.QUIET), nothing)


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("writer", "said", "status"),
    [
        ("harness.suite.record.write_atomically", "summary.json: could not be written", ExitStatus.INCONCLUSIVE),
        ("harness.present.pages.write_atomically", "junit.xml: could not be written", ExitStatus.INCONCLUSIVE),
        ("harness.present.html.writing.write_atomically", "the report could not be made: ", ExitStatus.NOTHING_RAN),
    ],
)
def test_a_full_disk_is_said_in_a_line(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    writer: str, said: str, status: ExitStatus,
) -> None:  # fmt: skip
    """Without its summary or its JUnit report a run shows nothing; without its page it is as good as ever."""
    monkeypatch.chdir(suite)
    monkeypatch.setattr(writer, full)
    assert closed(suite) is status
    out = capsys.readouterr().out
    assert said in out
    assert "No space left on device" in out
    assert "Traceback" not in out


def test_a_summary_never_says_held_where_the_session_does_not(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JUnit is written after the summary: if it cannot be, the summary is written again."""
    monkeypatch.chdir(suite)
    monkeypatch.setattr("harness.present.pages.write_atomically", full)

    def held_but_for(*_: object, findings: Collection[Finding] = (), **__: object) -> ExitStatus:
        return ExitStatus.INCONCLUSIVE if findings else ExitStatus.HELD

    monkeypatch.setattr("harness.suite.record.exit_status", held_but_for)
    assert closed(suite) is ExitStatus.INCONCLUSIVE
    assert summary_in(suite)["exit_status"] == 3


def test_an_interruption_while_the_report_is_written_is_no_success(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.chdir(suite)
    monkeypatch.setattr("harness.present.pages.report_run", interrupted)
    released = []
    monkeypatch.setattr("harness.results.folder.ResultsFolder.release", lambda folder: released.append(folder.id))
    assert closed(suite) is ExitStatus.INTERRUPTED
    assert "interrupted" in capsys.readouterr().out
    data = summary_in(suite)
    assert (data["complete"], data["exit_status"], released) == (False, 2, [data["run"]["id"]])
