"""A run that is interrupted while it closes is an interrupted one, whatever its scenarios came to."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from harness.cli.options import Output
from harness.cli.stage import perform
from harness.cli.verbs.gate import gate
from harness.present.terminal.screen import Screen, Verbosity
from harness.suite import ExitStatus, Session, SuiteSettings
from harness.suite.chosen import Chosen
from harness.target import load_target
from tests.cli.support import summary_in


def test_an_interruption_while_the_report_is_written_is_no_success(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: Path) -> Path:
        raise KeyboardInterrupt

    def nothing(_: Session, __: Screen) -> None:
        """Run no scenario."""

    monkeypatch.chdir(suite)
    monkeypatch.setattr("harness.present.pages.report_run", interrupted)
    released = []
    monkeypatch.setattr("harness.results.folder.ResultsFolder.release", lambda folder: released.append(folder.id))
    settings = SuiteSettings(scenarios=suite / "scenarios")
    output = Output(as_json=False, verbosity=Verbosity.QUIET)
    target = load_target(settings.target_file)
    chosen = Chosen(settings=settings, target=target, profile="hardened", scenarios=(), chosen=(), listed={})
    with click.Context(gate, info_name="gate"):
        status = perform(chosen, output, nothing)
    assert status is ExitStatus.INTERRUPTED
    assert "interrupted" in capsys.readouterr().out
    data = summary_in(suite)
    assert (data["complete"], data["exit_status"], released) == (False, 2, [data["run"]["id"]])
