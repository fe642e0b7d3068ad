"""`harness report`: writes a run's report again, by what lies in its results folder."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.fault_maps import leave_maps
from harness.errors import HarnessError, UsageError
from harness.report import write_report
from harness.results.folder import LATEST
from harness.results.reading import FILE, SummaryRead, read_summary
from harness.search.coverage import Subject
from harness.suite import ExitStatus
from harness.suite.settings import RESULTS


@click.command()
@click.argument("run", default=LATEST, metavar="[RUN]")
@click.option(
    "--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, metavar="DIR",
    help="Where the results of runs are.",
)  # fmt: skip
def report(run: str, *, results: Path) -> ExitStatus:
    """Write report.html into the folder of RUN, and say where it is.

    RUN is a run's folder, or its name in the folder of results; without one, the latest.
    A gate, a soak and a replay write it by themselves; this is for what came later, such as a sweep.
    """
    folder = _folder(run, results)
    info = read_summary(folder / FILE)
    leave_maps(folder, folder.resolve().parent, _subject(info))
    try:
        click.echo(write_report(folder))
    except OSError as problem:
        raise HarnessError(f"{folder}: {problem}", hint="is the disk full, or the folder another user's?") from problem
    return ExitStatus.HELD


def _subject(summary: SummaryRead) -> Subject:
    """What that run was on. What was off in all of it is off in its first scenario."""
    run = summary.run
    without = next((each.without for each in summary.runs if each.role == "scenario"), ())
    return Subject(target=run.target, profile=run.profile, without=without, revision=run.revision)


def _folder(run: str, results: Path) -> Path:
    for folder in (results / run, Path(run)):
        if folder.is_dir():
            return folder
    known = [path.name for path in results.iterdir() if path.is_dir()] if results.is_dir() else []
    mend = "" if known else "run a gate first, or name the folder with --results"
    raise UsageError.at("report", "RUN", run, f"no such run in {results}", valid=known, mend=mend)
