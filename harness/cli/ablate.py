"""`harness ablate`: tries every proof, and says which protections and which scenarios are proved."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import click

from harness.checks import Verdict
from harness.cli.chosen import Chosen, choose
from harness.cli.mutants import ablate_mutants
from harness.cli.options import JOBS, OUTPUT, SEED, STACK, STRICT, WHERE, options, output_of, settings_of
from harness.cli.stage import perform
from harness.cli.starting import FirstRuns
from harness.cli.teeth import judge_teeth
from harness.errors import UsageError
from harness.present.looks import DIM
from harness.present.terminal.heat_map import heat_map_lines
from harness.present.terminal.screen import Screen
from harness.proof.matrix import Matrix, matrix_of
from harness.results import RunKey, RunResult
from harness.scenario.scenario import Scenario
from harness.suite import ExitStatus, Session

MATRIX = click.option(
    "--matrix", is_flag=True, help="Every scenario with each protection off, too: as a map. Takes long."
)


MUTANTS = click.option(
    "--mutants", is_flag=True, help="The mutants of a list instead of proofs: ID is a mutant's, or its file's name."
)
MUTANT_LIST = click.option(
    "--mutant-list", type=click.Path(path_type=Path), metavar="FILE",
    help="The list of mutants.  [default: mutants.toml beside the scenarios]",
)  # fmt: skip


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@options((SEED, STRICT, JOBS, MATRIX, MUTANTS, MUTANT_LIST), WHERE, STACK, OUTPUT)
def ablate(ids: tuple[str, ...], *, matrix: bool, mutants: bool, mutant_list: Path | None, **given: Any) -> ExitStatus:
    """Run each scenario as it is, then each of its proofs: the control must hold, the ablated run must fail.

    ID is a scenario's id, its name without parameters, or a theme; without any, all run. A protection
    that no scenario proves is unproved; a scenario that nothing proves is toothless.

    With --mutants: each mutated copy of the service is run against the scenario that its entry names,
    which must fail by the named check.

    Exit status: 0 all proved; 1 something failed, or is unproved, misattributed, masked or toothless,
    or a mutant was not killed; 2 interrupted; 3 inconclusive, or the harness broke; 4 usage or
    configuration; 5 nothing ran.
    """
    output, settings = output_of(given), settings_of(given)
    if matrix and mutants:
        raise UsageError("command line: --matrix is about protections, --mutants is not", hint="leave one of them out")
    if mutants:
        return ablate_mutants(settings, output, ids, mutant_list)
    if mutant_list is not None:
        raise UsageError("command line: --mutant-list is read with --mutants only", hint="add --mutants")
    suite = choose(settings, ids)

    def play(session: Session, screen: Screen) -> None:
        known: dict[RunKey, RunResult] = {}
        first = FirstRuns(suite.target)

        def one(scenario: Scenario) -> None:
            result = session.run(scenario)
            first.look_at(result)
            known[result.key] = result
            if result.verdict is not Verdict.UNAVAILABLE:
                session.prove(scenario, known)

        session.each(suite.chosen, one)
        found = _matrix(suite, session, screen, known) if matrix else None
        judge_teeth(suite, session, screen, found)

    return perform(settings, suite.target, suite.chosen, output, play, listed=dict(suite.listed))


def _matrix(suite: Chosen, session: Session, screen: Screen, known: dict[RunKey, RunResult]) -> Matrix:
    protections = list(suite.target.description.protections)
    numbers = itertools.count(1)

    def one(scenario: Scenario) -> None:
        _run_row(session, scenario, protections, known)
        screen.write([(f"matrix: {next(numbers)} of {len(suite.chosen)}: {scenario.id}", DIM)])

    session.each(suite.chosen, one)
    ids = [scenario.id for scenario in suite.chosen]
    found = matrix_of(known, ids, protections, session.profile, session.proofs)
    screen.write_all(heat_map_lines(found))
    return found


def _run_row(session: Session, scenario: Scenario, protections: list[str], known: dict[RunKey, RunResult]) -> None:
    if known[RunKey(scenario.id, session.profile)].verdict is Verdict.UNAVAILABLE:
        return
    for protection in protections:
        key = RunKey(scenario.id, session.profile, (protection,))
        if key not in known:
            known[key] = session.run_as(scenario, key, "ablated")
