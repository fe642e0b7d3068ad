"""`harness sweep`: breaks a delivery at every message and every byte, and shows a map of what held."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from harness.cli.options import OUTPUT, PLAN, STACK, WHERE, options, output_of, settings_of
from harness.cli.stage import finished, on_screen, typed
from harness.exit_status import ExitStatus
from harness.present.maps.sweep_page import write_page
from harness.present.terminal.views.search.sweep import CellsOnScreen, sweep_lines
from harness.search.recording.places import KINDS, Kind
from harness.search.sweep.plan import Choice, check_choice
from harness.search.sweep.report import JSON_FILE
from harness.suite.settings import names_given
from harness.suite.verbs.search import open_search
from harness.suite.verbs.sweep import Sweep
from harness.target import load_target

LANES = 8
"""Most of a cell is waiting: for a pause before a retry, for a time-out. Two cores keep so many busy."""
LANES_MAX = 16
"""The largest number of lanes: as many as there are Redis databases."""
SWEEP = (
    click.option("--lanes", type=click.IntRange(1, LANES_MAX), default=LANES, show_default=True, metavar="N",
                 help="Number of services to sweep at once."),
    click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only this kind of delivery."),
    click.option("--actions", multiple=True, metavar="ACTION",
                 help="Only these. Repeatable, or separated by commas; cut@N: the byte map; crowd: many at once; "
                      "deadline: only if named."),
    click.option("--only", default="", metavar="TEXT", help="A cell's id, or a part of ids."),
    click.option("--bytes/--no-bytes", "with_bytes", default=True, show_default=True, help="Cut after every byte."),
    click.option("--pairs", is_flag=True, help="Inject two faults: the second strikes the delivery's retry."),
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Try at most N cells, chosen by the seed."),
)  # fmt: skip


@click.command()
@options(SWEEP, PLAN, WHERE, STACK, OUTPUT)
def sweep(
    *, lanes: int, kinds: Sequence[Kind], actions: Sequence[str], only: str, with_bytes: bool, pairs: bool,
    limit: int | None, **given: Any,
) -> ExitStatus:  # fmt: skip
    """Break a delivery at every message, in every way that makes sense there, and after every byte.

    The service must store what it acknowledged exactly once, confirm nothing false, and recover. Results:
    sweep.json, sweep.html and the histories, in the run's folder.

    Exit status: 0 all held; 1 something failed; 2 interrupted; 3 inconclusive, or the harness broke;
    4 usage or configuration; 5 nothing ran.
    """
    output, settings = output_of(given), settings_of(given)
    choice = Choice(
        kinds=tuple(kinds), actions=names_given(actions), only=only, with_bytes=with_bytes, pairs=pairs,
        limit=limit, seed=settings.seed,
    )  # fmt: skip
    check_choice(choice)
    with (
        on_screen(output) as screen,
        open_search(settings, load_target(settings.target_file), command=typed(), progress=screen.progress) as search,
    ):
        one = Sweep(search, choice, lanes, CellsOnScreen(screen))

        def write(complete: bool, status: ExitStatus) -> None:  # called by `finished` alone
            report = one.report(complete=complete, status=status)
            report.write(search.folder.path)
            write_page(report, search.folder.path)

        status = finished(screen, one.play, write)
        screen.write_all(sweep_lines(one.results, search.folder.shown))
        if output.as_json:
            sys.stdout.write((search.folder.path / JSON_FILE).read_text("utf-8"))
    return status


__all__ = ["sweep"]
