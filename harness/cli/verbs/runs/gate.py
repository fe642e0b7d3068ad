"""`harness gate`: runs all scenarios, or some, and reports by its exit status whether they held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli.chosen import choose
from harness.cli.options import (
    BASELINE,
    JOBS,
    JUDGED,
    PROOFS,
    STACK,
    WHAT,
    WHERE,
    WHICH_SUITE,
    check_proofs,
    options,
    output_of,
    settings_of,
)
from harness.cli.stage import perform
from harness.errors import UsageError
from harness.exit_status import ExitStatus
from harness.present.maps.map_files import leave_maps
from harness.present.maps.mapping import coverage_map
from harness.present.terminal.screen import Screen
from harness.present.terminal.views.comparison.baseline import baseline_lines
from harness.present.terminal.views.nightly import nightly_lines
from harness.present.terminal.views.proof.teeth import teeth_lines
from harness.present.terminal.views.search.coverage import gate_coverage_lines, unread_lines
from harness.suite import Session
from harness.suite.selection.chosen import Chosen
from harness.suite.verbs.ablation import judge_teeth
from harness.suite.verbs.baseline import against_baseline
from harness.suite.verbs.coverage import check_space, judge_coverage, subject_of
from harness.suite.verbs.running import run_scenarios

NIGHTLY = click.option("--nightly", is_flag=True, help="Run scenarios marked `nightly`, too.")
NO_BASELINE = click.option("--no-baseline", is_flag=True, help="Do not compare with a baseline.")


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@options(WHAT, (WHICH_SUITE, NIGHTLY, PROOFS, JOBS, BASELINE, NO_BASELINE), WHERE, STACK, JUDGED)
def gate(
    ids: tuple[str, ...], *, nightly: bool, proofs: bool, baseline: Path | None, no_baseline: bool, **given: Any
) -> ExitStatus:
    """Run the scenarios against the service, judge them, and compare with the baseline.

    ID is a scenario's id, its name without parameters, or a theme (`scenario:ID` or `theme:ID` if a
    word is both). Without ID, all run but those marked `nightly`. If there is a baseline, the proofs of
    scenarios that have changed since are tried too.

    Exit status: 0 all held, and nothing is worse than in the baseline; 1 something failed, or is worse;
    2 interrupted; 3 inconclusive, or the harness broke; 4 usage or configuration; 5 nothing ran.
    """
    output, settings = output_of(given), settings_of(given)
    check_proofs(settings, proofs=proofs)
    if no_baseline and baseline is not None:
        mend = "leave one of them out"
        raise UsageError.at("command line", "--no-baseline", str(baseline), "a baseline is named too", mend=mend)
    suite = choose(settings, ids, nightly=nightly)
    covered = suite.whole and suite.plain and settings.suite == "own"
    if covered:
        check_space(suite)
    compared = None if no_baseline else against_baseline(suite, baseline)
    changed = frozenset(compared.changed()) if compared else frozenset()

    def play(session: Session, screen: Screen) -> None:
        run_scenarios(suite, session, prove=lambda scenario: proofs or scenario.id in changed)
        if proofs:
            screen.write_all(teeth_lines(judge_teeth(suite, session)))
        _show_space(suite, session, screen, covered=covered)
        if compared is not None:
            screen.write_all(baseline_lines(compared.compare(session)))
        if suite.whole:
            screen.write_all(nightly_lines(suite.left_out))

    return perform(suite, output, play)


def _show_space(suite: Chosen, session: Session, screen: Screen, *, covered: bool) -> None:
    """Judge the coverage of a whole gate, and leave the maps for the report."""
    judged = judge_coverage(suite, session) if covered else None
    maps = [] if judged is None else [coverage_map(judged.coverage)]
    unread = leave_maps(session.folder.path, suite.settings.results, subject_of(suite, session), maps)
    screen.write_all(unread_lines([*(judged.unread if judged else ()), *unread]))
    if judged is not None:
        screen.write_all(gate_coverage_lines(judged))
