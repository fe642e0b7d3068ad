"""`harness report`: writes a run's report again, from the files in its results folder."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from harness.errors import HarnessError
from harness.exit_status import ExitStatus
from harness.invocation import harness_words
from harness.present.html import write_report
from harness.present.maps.map_files import leave_maps
from harness.present.maps.wrap_page import write_page
from harness.present.terminal.views.search.wrap_sweep import sweep_lines
from harness.results.folder import LATEST
from harness.results.naming import run_named
from harness.results.reading import read_summary
from harness.search.space.coverage import Subject
from harness.suite.settings import RESULTS
from harness.wrap.sweep.reading import read_wrap, wrap_named


@click.command()
@click.argument("run", default=LATEST, metavar="[RUN]")
@click.option(
    "--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, metavar="DIR",
    help="The folder with the runs' results.",
)  # fmt: skip
def report(run: str, *, results: Path) -> ExitStatus:
    """Write report.html into the folder of RUN, and print its path.

    RUN is a run's folder, or its name in the folder of results; by default the newest with a summary. A gate,
    a soak and a replay write the report themselves. Use this to add later results, such as a sweep.

    If RUN is the folder of a `wrap --sweep`, it shows the sweep's result again, and writes wrap.html.
    """
    swept = wrap_named(run, results) if run != LATEST else None
    if swept is not None:
        return _shown_again(swept)
    path = run_named(run, results)
    folder = path.parent
    for problem in leave_maps(folder, folder.resolve().parent, Subject.of(read_summary(path))):
        click.echo(f"maps: {problem}", err=True)
    try:
        click.echo(write_report(folder))
    except OSError as problem:
        raise HarnessError(
            f"{folder}: {problem}", hint="is the disk full, or does the folder belong to another user?"
        ) from problem
    return ExitStatus.HELD


def _shown_again(file: Path) -> ExitStatus:
    """Show a past sweep over a command, and write its page."""
    read = read_wrap(file)
    found = read.found()
    if not read.complete:
        click.echo("the sweep was not complete", err=True)
    repro = shlex.join([*harness_words(), "wrap", "--sweep", "--only"]) + f" '{{id}}' -- {read.command}"
    for line in sweep_lines(found, str(file.parent), repro):
        click.echo("".join(text for text, _ in line))
    write_page(found, file.parent, command=read.command)
    return ExitStatus.HELD
