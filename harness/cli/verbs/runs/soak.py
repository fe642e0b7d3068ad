"""`harness soak`: runs the same scenarios many times, and reports what varied."""

from __future__ import annotations

from typing import Any

import click

from harness.cli.chosen import choose
from harness.cli.options import JOBS, JUDGED, STACK, WHAT, WHERE, WHICH_SUITE, options, output_of, settings_of
from harness.cli.stage import perform
from harness.exit_status import ExitStatus
from harness.present.looks import DIM
from harness.present.terminal.screen import Screen
from harness.present.terminal.views.nightly import nightly_lines
from harness.present.terminal.views.soak import soak_lines
from harness.suite import Session
from harness.suite.verbs import soak as rounds

NO_NIGHTLY = click.option("--no-nightly", is_flag=True, help="Leave out scenarios marked `nightly`.")


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--runs", type=click.IntRange(min=1), required=True, metavar="N", help="How often to run each scenario.")
@options(WHAT, (WHICH_SUITE, NO_NIGHTLY, JOBS), WHERE, STACK, JUDGED)
def soak(ids: tuple[str, ...], *, runs: int, no_nightly: bool, **given: Any) -> ExitStatus:
    """Run the whole selection N times, each time with another seed.

    With one job all rounds are on the same servers; with several, each round starts new servers for each job.
    The first round has the given seed, each later one the next number. The exit status is the worst run's.
    """
    output, settings = output_of(given), settings_of(given)
    suite = choose(settings, ids, nightly=not no_nightly)

    def play(session: Session, screen: Screen) -> None:
        def begins(number: int, seed: int) -> None:
            screen.write([(f"round {number} of {runs}, seed {seed}", DIM)])

        try:
            rounds.soak(suite, session, runs, begins)
        finally:
            screen.write_all(soak_lines(session.record.results))
            if no_nightly and suite.whole:
                screen.write_all(nightly_lines(suite.left_out, "run without --no-nightly"))

    return perform(suite, output, play)
