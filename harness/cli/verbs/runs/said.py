"""`harness said`: compares the service's log lines and metrics of past runs with the approved ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli.options import SUITE, options
from harness.exit_status import ExitStatus
from harness.present.terminal.views.said import said_lines
from harness.results.folder import LATEST
from harness.results.naming import run_named
from harness.suite.settings import TARGET_FILE
from harness.suite.verbs.said import learn_said
from harness.target import load_target


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--update", is_flag=True, help="Add the log lines and metrics of these runs to the approved ones.")
@options(SUITE)
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
def said(runs: Sequence[str], *, update: bool, as_json: bool, **given: Any) -> ExitStatus:
    """Compare the service's log lines and metrics of past runs with those that are approved.

    RUN is a folder with runs below it, or a run's name in the folder of results; by default the newest run. What is
    approved is in `said.toml` beside the target; with --update that file gets what it lacks, and loses nothing.

    Exit status: 0 all is approved; 1 something is not; 4 usage or configuration; 5 there is no such run.
    """
    target = load_target(given["target"] or given["scenarios"] / TARGET_FILE)
    folders = [_folder(word, given["results"]) for word in runs or (LATEST,)]
    found = learn_said(target, folders, update=update)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=1))
    else:
        for line in said_lines(found):
            click.echo(line)
    return found.status


def _folder(word: str, results: Path) -> Path:
    """A folder by its path, or that of a run. Raises UsageError."""
    return Path(word) if word != LATEST and Path(word).is_dir() else run_named(word, results).parent


__all__ = ["said"]
