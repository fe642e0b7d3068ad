"""`harness compare`: the suite under several profiles, side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import click

from harness.cli.chosen import choose
from harness.cli.options import JOBS, JUDGED, SEED, STACK, STRICT, WHERE, WHICH_SUITE, options, output_of, settings_of
from harness.cli.stage import perform
from harness.compare.profiles import Compared
from harness.exit_status import ExitStatus
from harness.present.terminal.screen import Screen, Verbosity
from harness.present.terminal.views.comparison.profiles import ProfileTable, step_lines
from harness.suite import Session
from harness.suite.settings import names_given
from harness.suite.verbs.profiles import compare_profiles, profiles_meant

PROFILES = click.option(
    "--profiles", multiple=True, metavar="P",
    help="Only these, and the default one. Repeatable, or separated by commas.  [default: all]",
)  # fmt: skip


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@options((PROFILES, SEED, STRICT, WHICH_SUITE, JOBS), WHERE, STACK, JUDGED)
def compare(ids: tuple[str, ...], *, profiles: Sequence[str], **given: Any) -> ExitStatus:
    """Run the scenarios under each profile, and compare the results side by side.

    Verdict, worst answer, recovery, lost and doubled deliveries: as a table here, as compare.md and
    compare.json in the run's folder. The exit status is the default profile's, as the gate has it.
    """
    output, settings = output_of(given), settings_of(given)
    if output.verbosity is Verbosity.NORMAL:  # the table shows it; only what did not hold is reported in full
        output = dataclasses.replace(output, verbosity=Verbosity.QUIET)
    suite = choose(settings, ids)
    order = profiles_meant(suite.target.description, names_given(profiles))
    table = ProfileTable(order, [scenario.id for scenario in suite.chosen])

    def play(session: Session, screen: Screen) -> None:
        def ran(row: Compared) -> None:
            screen.write(table.row(row))

        screen.write(table.head())
        screen.write_all(step_lines(compare_profiles(suite, session, order, ran)))

    return perform(suite, output, play)
