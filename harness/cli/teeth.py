"""What the proofs amount to, as a table for a terminal: each protection, and the scenarios without teeth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.cli.chosen import Chosen
from harness.present.looks import BAD, BOLD, DIM, DOUBT, GOOD
from harness.present.terminal.lines import Line
from harness.present.terminal.screen import Screen
from harness.proof.matrix import Matrix
from harness.proof.teeth import SECTION, Standing, Standpoint, Teeth, counted, teeth_of
from harness.results.text import one_line
from harness.suite import Session

STYLES: Mapping[Standing, tuple[str, str]] = {
    Standing.PROVED: ("+", GOOD),
    Standing.UNPROVED: ("x", BAD),
    Standing.TOOTHLESS: ("x", BAD),
    Standing.INCONCLUSIVE: ("?", DOUBT),
    Standing.UNAVAILABLE: ("-", DIM),
}


def judge_teeth(suite: Chosen, session: Session, screen: Screen, matrix: Matrix | None = None) -> None:
    """Say what the session's proofs amount to; put it into the summary and the exit status."""
    teeth = teeth_of(
        suite.chosen,
        session.results,
        session.proofs,
        protections=suite.target.description.protections,
        whole=suite.whole,
    )
    data = teeth.to_json()
    if matrix is not None:
        data["matrix"] = matrix.to_json()
    session.add(SECTION, data, teeth.findings())
    screen.write_all(teeth_lines(teeth))


def teeth_lines(teeth: Teeth) -> Iterator[Line]:
    """A line for each protection; of the scenarios only those that nothing proves; and the counts."""
    width = max((len(each.name) for each in teeth.protections), default=0)
    yield [("protections", BOLD)]
    for each in teeth.protections:
        yield _line(each, width)
    blunt = [each for each in teeth.scenarios if each.standing is not Standing.PROVED]
    for each in blunt:
        yield _line(each, 0)
    yield [
        ("protections: ", ""), (_counts(teeth.protections), BOLD),
        ("; scenarios: ", ""), (_counts(teeth.scenarios), BOLD),
    ]  # fmt: skip


def _line(each: Standpoint, width: int) -> Line:
    mark, style = STYLES[each.standing]
    said = ", ".join(each.scenarios) or each.reason
    return [(f"{mark} {each.standing.value:13} ", style), (f"{each.name:{width}}", BOLD), (f"  {one_line(said)}", "")]


def _counts(standpoints: Sequence[Standpoint]) -> str:
    found = counted(standpoints)
    return ", ".join(f"{count} {standing.value}" for standing, count in found.items()) or "none"
