"""Runs the chosen scenarios and tries their proofs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from harness.checks import Verdict
from harness.results import RunKey, RunResult
from harness.scenario.scenario import Scenario
from harness.suite.selection.chosen import Chosen
from harness.suite.session import Session
from harness.suite.verbs.first_runs import FirstRuns

Known: TypeAlias = dict[RunKey, RunResult]
"""Runs that exist already, and need not be made again."""


def every(_: Scenario) -> bool:
    """Choose every scenario's proofs."""
    return True


def none(_: Scenario) -> bool:
    """Choose no scenario's proofs."""
    return False


def run_scenarios(suite: Chosen, session: Session, *, prove: Callable[[Scenario], bool] = none) -> Known:
    """Run each chosen scenario, then the proofs of the scenarios that `prove` chooses. Return all runs.

    Raises UsageError if the service did not start in any of the first runs.
    """
    known: Known = {}
    first = FirstRuns(suite.target)

    def one(scenario: Scenario) -> None:
        result = session.run(scenario)
        first.look_at(result)
        known[result.key] = result
        if prove(scenario):
            prove_scenario(session, scenario, result, known)

    session.each(suite.chosen, one)
    return known


def prove_scenario(session: Session, scenario: Scenario, result: RunResult, known: Known) -> None:
    """Try the proofs of a scenario that has run, unless this machine cannot run it."""
    if result.verdict is not Verdict.UNAVAILABLE:
        known[result.key] = result
        session.prove(scenario, known)
