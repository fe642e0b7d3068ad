"""`harness gate`: runs every scenario, or some of them, and says by its exit status whether all is well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.checks import Verdict
from harness.cli.against_baseline import against_baseline
from harness.cli.chosen import choose
from harness.cli.covered import check_space, judge_coverage, subject_of, tell_unread
from harness.cli.fault_maps import leave_maps
from harness.cli.options import (
    BASELINE,
    JOBS,
    OUTPUT,
    PROOFS,
    STACK,
    WHAT,
    WHERE,
    check_proofs,
    options,
    output_of,
    settings_of,
)
from harness.cli.stage import perform
from harness.cli.starting import FirstRuns
from harness.cli.teeth import judge_teeth
from harness.errors import UsageError
from harness.present.terminal.screen import Screen
from harness.scenario.scenario import Scenario
from harness.suite import ExitStatus, Session

NO_BASELINE = click.option("--no-baseline", is_flag=True, help="Compare with no baseline.")


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@options(WHAT, (PROOFS, JOBS, BASELINE, NO_BASELINE), WHERE, STACK, OUTPUT)
def gate(ids: tuple[str, ...], *, proofs: bool, baseline: Path | None, no_baseline: bool, **given: Any) -> ExitStatus:
    """Run the scenarios against the service, judge them, and compare with the baseline.

    ID is a scenario's id, its name without parameters, or a theme; without any, all run. Where there is a
    baseline, the proofs of scenarios that have changed since are tried too.

    Exit status: 0 all held, and nothing is worse than in the baseline; 1 something failed, or is worse;
    2 interrupted; 3 inconclusive, or the harness broke; 4 usage or configuration; 5 nothing ran.
    """
    output, settings = output_of(given), settings_of(given)
    check_proofs(settings, proofs=proofs)
    if no_baseline and baseline is not None:
        mend = "leave one of them out"
        raise UsageError.at("command line", "--no-baseline", str(baseline), "a baseline is named too", mend=mend)
    suite = choose(settings, ids)
    covered = suite.whole and suite.plain
    if covered:
        check_space(suite)
    compared = None if no_baseline else against_baseline(suite, baseline)
    changed = frozenset(compared.changed()) if compared else frozenset()

    def play(session: Session, screen: Screen) -> None:
        first = FirstRuns(suite.target)

        def one(scenario: Scenario) -> None:
            result = session.run(scenario)
            first.look_at(result)
            if (proofs or scenario.id in changed) and result.verdict is not Verdict.UNAVAILABLE:
                session.prove(scenario, {result.key: result})

        session.each(suite.chosen, one)
        if proofs:
            judge_teeth(suite, session, screen)
        if covered:
            judge_coverage(suite, session, screen)
        else:
            tell_unread(screen, leave_maps(session.folder.path, settings.results, subject_of(suite, session)))
        if compared is not None:
            compared.compare(session, screen)

    return perform(settings, suite.target, suite.chosen, output, play, listed=dict(suite.listed))
