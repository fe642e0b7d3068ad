"""`harness ablate`: tries every proof, and reports which protections and scenarios are proved."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli.chosen import choose
from harness.cli.options import (
    JOBS,
    JUDGED,
    SEED,
    STACK,
    STRICT,
    WHERE,
    WHICH_SUITE,
    Output,
    options,
    output_of,
    settings_of,
)
from harness.cli.stage import perform
from harness.errors import UsageError
from harness.exit_status import ExitStatus
from harness.present.looks import DIM
from harness.present.terminal.screen import Screen
from harness.present.terminal.views.proof.heat_map import heat_map_lines
from harness.present.terminal.views.proof.mutants import mutant_counts_line, mutant_lines
from harness.present.terminal.views.proof.teeth import teeth_lines
from harness.proof.matrix import Matrix
from harness.proof.mutant_results import MutantResult
from harness.scenario.scenario import Scenario
from harness.suite import Session, SuiteSettings
from harness.suite.selection.chosen import Chosen
from harness.suite.verbs.ablation import add_matrix, judge_teeth, run_matrix
from harness.suite.verbs.mutants import MutantTrial
from harness.suite.verbs.running import Known, every, run_scenarios

MATRIX = click.option(
    "--matrix", is_flag=True, help="Also run every scenario without each protection, and draw a map. Takes long."
)
MUTANTS = click.option(
    "--mutants", is_flag=True, help="Try mutants instead of proofs: ID is a mutant's id, or the name of its file."
)
MUTANT_LIST = click.option(
    "--mutant-list", type=click.Path(path_type=Path), metavar="FILE",
    help="The list of mutants.  [default: mutants.toml beside the scenarios]",
)  # fmt: skip


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@options((SEED, STRICT, WHICH_SUITE, JOBS, MATRIX, MUTANTS, MUTANT_LIST), WHERE, STACK, JUDGED)
def ablate(ids: tuple[str, ...], *, matrix: bool, mutants: bool, mutant_list: Path | None, **given: Any) -> ExitStatus:
    """Run each scenario as it is, then each of its proofs: the control must hold, the ablated run must fail.

    ID is a scenario's id, its name without parameters, or a theme (`scenario:ID` or `theme:ID` if a
    word is both). Without ID, all run. A protection that no scenario proves is unproved; a scenario that
    nothing proves is toothless.

    With --mutants: each mutated copy of the service is run against the scenario that its entry names,
    which must fail by the named check.

    Exit status: 0 all proved; 1 something failed, or is unproved, misattributed, masked or toothless,
    or a mutant was not killed; 2 interrupted; 3 inconclusive, or the harness broke; 4 usage or
    configuration; 5 nothing ran.
    """
    output, settings = output_of(given), settings_of(given)
    if matrix and mutants:
        raise UsageError("command line: --matrix is about protections, --mutants is not", hint="leave one of them out")
    if mutants and settings.suite == "standard":
        raise UsageError("command line: a mutant names a scenario of your own", hint="leave --suite standard out")
    if mutants:
        return _ablate_mutants(settings, output, ids, mutant_list)
    if mutant_list is not None:
        raise UsageError("command line: --mutant-list is read with --mutants only", hint="add --mutants")
    if settings.suite == "standard" and not matrix:
        raise UsageError.at(
            "command line", "--suite", "standard", "its scenarios have no proofs",
            mend="add --matrix, which runs each without each protection; or save them: harness new --suite",
        )  # fmt: skip
    suite = choose(settings, ids)

    def play(session: Session, screen: Screen) -> None:
        known = run_scenarios(suite, session, prove=every)
        found = _matrix(suite, session, screen, known) if matrix else None
        if found is not None and settings.suite == "standard":
            add_matrix(session, found)
        else:
            screen.write_all(teeth_lines(judge_teeth(suite, session, found)))

    return perform(suite, output, play)


def _matrix(suite: Chosen, session: Session, screen: Screen, known: Known) -> Matrix:
    numbers = itertools.count(1)

    def ran(scenario: Scenario) -> None:
        screen.write([(f"matrix: {next(numbers)} of {len(suite.chosen)}: {scenario.id}", DIM)])

    found = run_matrix(suite, session, known, ran)
    screen.write_all(heat_map_lines(found))
    return found


def _ablate_mutants(settings: SuiteSettings, output: Output, words: Sequence[str], file: Path | None) -> ExitStatus:
    suite = choose(settings, ())
    trial = MutantTrial(suite, words, file)

    def play(session: Session, screen: Screen) -> None:
        def judged(result: MutantResult) -> None:
            screen.write_all(mutant_lines(result))

        try:
            trial.run(session, judged)
        finally:
            screen.write(mutant_counts_line(trial.results))

    return perform(suite, output, play, chosen=trial.scenarios)
