"""Judges proofs, and runs every scenario with each protection off."""

from __future__ import annotations

from collections.abc import Callable

from harness.checks import Verdict
from harness.proof.matrix import Matrix, matrix_of
from harness.proof.teeth import SECTION, Teeth, teeth_of
from harness.results import RunKey
from harness.scenario.scenario import Scenario
from harness.suite.selection.chosen import Chosen
from harness.suite.session import Session
from harness.suite.verbs.running import Known


def judge_teeth(suite: Chosen, session: Session, matrix: Matrix | None = None) -> Teeth:
    """Judge the session's proofs. Add the judgement to the summary and the exit status."""
    teeth = teeth_of(
        suite.chosen,
        session.record.results,
        session.record.proofs,
        protections=suite.target.description.protections,
        whole=suite.whole,
    )
    data = teeth.to_json()
    if matrix is not None:
        data["matrix"] = matrix.to_json()
    session.record.add(SECTION, data, teeth.findings())
    return teeth


def add_matrix(session: Session, matrix: Matrix) -> None:
    """Add the matrix of scenarios that have no proofs to the summary."""
    session.record.add(SECTION, {"matrix": matrix.to_json()}, [])


def run_matrix(suite: Chosen, session: Session, known: Known, ran: Callable[[Scenario], object]) -> Matrix:
    """Run every chosen scenario with each protection off. `ran` is called after each scenario."""
    protections = list(suite.target.description.protections)

    def one(scenario: Scenario) -> None:
        _run_row(session, scenario, protections, known)
        ran(scenario)

    session.each(suite.chosen, one)
    return matrix_of(known, [each.id for each in suite.chosen], protections, session.profile, session.record.proofs)


def _run_row(session: Session, scenario: Scenario, protections: list[str], known: Known) -> None:
    if known[RunKey(scenario.id, session.profile)].verdict is Verdict.UNAVAILABLE:
        return
    for protection in protections:
        key = RunKey(scenario.id, session.profile, (protection,))
        if key not in known:
            known[key] = session.run_as(scenario, key, "ablated")
