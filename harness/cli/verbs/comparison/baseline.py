"""`harness baseline accept`: makes a good run the record that later runs are compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli.chosen import choose
from harness.cli.options import BASELINE, SUITE, WHICH_SUITE, options
from harness.exit_status import ExitStatus
from harness.present.terminal.views.comparison.baseline import accepted_lines
from harness.suite import SuiteSettings
from harness.suite.verbs.baseline import accept_run


@click.group()
def baseline() -> None:
    """The committed record of a good run, which the gate compares with."""


@baseline.command()
@click.argument("run", type=click.Path(path_type=Path), required=False)
@options((WHICH_SUITE, BASELINE), SUITE)
def accept(run: Path | None, *, baseline: Path | None, **given: Any) -> ExitStatus:
    """Make RUN the baseline: a run's folder or name, by default the newest one that `harness run` did not make.

    It must be whole (every scenario and every proof, as `harness ablate` runs them), good (exit status
    0), and of the commit that is checked out, with nothing uncommitted.
    """
    settings = SuiteSettings(
        scenarios=given["scenarios"], suite=given["suite"], target=given["target"], results=given["results"]
    )
    for line in accepted_lines(accept_run(choose(settings, ()), run, baseline)):
        click.echo(line)
    return ExitStatus.HELD
