"""`harness coverage`: which points of the fault space were hit and judged, and what was not tried."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from harness.cli.chosen import choose
from harness.cli.options import OUTPUT, PLAN, STACK, WHERE, options, output_of, settings_of
from harness.cli.stage import on_screen, typed
from harness.exit_status import ExitStatus
from harness.present.terminal.screen import Verbosity
from harness.present.terminal.views.search.coverage import coverage_lines
from harness.suite.verbs.coverage import Past, SpaceFile
from harness.suite.verbs.search import open_search
from harness.suite.verbs.space import record_coverage

UPDATE = (
    click.option("--update", is_flag=True, help="Rewrite the committed file, but keep its floor."),
    click.option("--floor", type=click.FloatRange(0, 100), metavar="PERCENT", help="With --update: the new floor."),
)


@click.command()
@options(UPDATE, PLAN, WHERE, STACK, OUTPUT)
def coverage(*, update: bool, floor: float | None, **given: Any) -> ExitStatus:
    """Record the service's deliveries, and compare their fault space with the committed one.

    Points count as covered if they were hit and judged by the newest whole gate of the same target, profile
    and protections, or by the newest such sweep of this commit, in the results folder. The rest is listed.

    Exit status: 0 the space is as committed, and its floor is reached or no whole gate was found; 1 it is
    not; 3 the harness broke; 4 usage or configuration.
    """
    output, settings = output_of(given), settings_of(given)
    suite = choose(settings, ())
    file = SpaceFile.of(suite, update=update, floor_percent=floor)
    past = Past.of(suite)
    # A recording is not worth keeping: its results folder would only push out older results.
    with TemporaryDirectory(prefix="harness-coverage-") as folder, on_screen(output) as screen:
        aside = dataclasses.replace(settings, results=Path(folder))
        with open_search(aside, suite.target, command=typed(), progress=screen.progress) as search:
            recorded = record_coverage(search, file, past)
        screen.write_all(coverage_lines(recorded, everything=output.verbosity >= Verbosity.VERBOSE))
    if output.as_json:
        sys.stdout.write(json.dumps(recorded.to_json(), indent=1) + "\n")
    return recorded.status


__all__ = ["coverage"]
