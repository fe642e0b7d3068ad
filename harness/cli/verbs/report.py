"""`harness report`: writes a run's report again, by what lies in its results folder."""

from __future__ import annotations

from pathlib import Path

import click

from harness.errors import HarnessError
from harness.present.html import write_report
from harness.present.maps.leaving import leave_maps
from harness.results.folder import LATEST
from harness.results.naming import run_named
from harness.results.reading import read_summary
from harness.search.space.coverage import Subject
from harness.suite import ExitStatus
from harness.suite.settings import RESULTS


@click.command()
@click.argument("run", default=LATEST, metavar="[RUN]")
@click.option(
    "--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, metavar="DIR",
    help="Where the results of runs are.",
)  # fmt: skip
def report(run: str, *, results: Path) -> ExitStatus:
    """Write report.html into the folder of RUN, and print its path.

    RUN is a run's folder, or its name in the folder of results; by default the newest with a summary. A gate,
    a soak and a replay write the report themselves. Use this to add later results, such as a sweep.
    """
    path = run_named(run, results)
    folder = path.parent
    for problem in leave_maps(folder, folder.resolve().parent, Subject.of(read_summary(path))):
        click.echo(f"maps: {problem}", err=True)
    try:
        click.echo(write_report(folder))
    except OSError as problem:
        raise HarnessError(f"{folder}: {problem}", hint="is the disk full, or the folder another user's?") from problem
    return ExitStatus.HELD
