"""`harness trend`: what got slower or flakier over past runs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from harness.compare.trend import kept_runs, of_one_kind, trends, trends_json
from harness.exit_status import ExitStatus
from harness.present.terminal.views.comparison.trend import trend_lines
from harness.results.naming import run_named
from harness.results.reading import read_summary
from harness.suite.settings import RESULTS


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN]...")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, metavar="DIR",
              help="The folder of runs.")  # fmt: skip
@click.option("--last", type=click.IntRange(min=2), metavar="N", help="Only the newest N runs.")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
def trend(runs: tuple[Path, ...], *, results: Path, last: int | None, as_json: bool) -> ExitStatus:
    """Compare past runs: RUNs are folders, names or summary files; by default all that are kept.

    Only runs of one target and its default profile are compared. Runs of `harness run` count only if named.

    Exit status: 0, or 5 if there is no run.
    """
    left_out: dict[str, str] = {}
    found = [read_summary(run_named(run, results)) for run in runs] if runs else kept_runs(results, left_out)
    found = of_one_kind(sorted(found, key=lambda each: each.run.started_at), left_out)[-(last or 0) :]
    told = trends(found)
    if as_json:
        click.echo(json.dumps(trends_json(told, left_out), indent=1))
    else:
        for line in trend_lines(told, found, left_out):
            click.echo(line)
    return ExitStatus.HELD if found else ExitStatus.NOTHING_RAN
