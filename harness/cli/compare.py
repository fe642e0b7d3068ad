"""`harness compare`: the suite under several profiles, side by side."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from harness.checks import Verdict
from harness.cli.chosen import choose
from harness.cli.options import JOBS, OUTPUT, SEED, STACK, STRICT, WHERE, options, output_of, settings_of
from harness.cli.stage import perform
from harness.compare.profiles import Compared, Outcome, SideBySide, in_order, seconds
from harness.errors import UsageError
from harness.present.looks import BOLD, DIM, legend, look
from harness.present.terminal.lines import Line, Piece
from harness.present.terminal.screen import Screen, Verbosity
from harness.results import Role, RunKey
from harness.results.files import write_atomically
from harness.results.text import one_line
from harness.scenario.scenario import Scenario
from harness.suite import ExitStatus, Session
from harness.suite.settings import names_given
from harness.target import TargetDescription

JSON_FILE, MARKDOWN_FILE = "compare.json", "compare.md"
CELL_WIDTH = 26
PROFILES = click.option(
    "--profiles", multiple=True, metavar="P",
    help="Only these, and the default one. Repeatable, or separated by commas.  [default: all]",
)  # fmt: skip


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@options((PROFILES, SEED, STRICT, JOBS), WHERE, STACK, OUTPUT)
def compare(ids: tuple[str, ...], *, profiles: Sequence[str], **given: Any) -> ExitStatus:
    """Run the scenarios under each profile, and show side by side what each of them mends.

    Verdict, worst answer, recovery, lost and doubled deliveries: as a table here, as compare.md and
    compare.json in the run's folder. The exit status is the default profile's, as the gate has it.
    """
    output, settings = output_of(given), settings_of(given)
    if output.verbosity is Verbosity.NORMAL:  # the table says it; only what did not hold is told beside it
        output = dataclasses.replace(output, verbosity=Verbosity.QUIET)
    suite = choose(settings, ids)
    order = in_order(suite.target.description, _known(suite.target.description, names_given(profiles)))

    def play(session: Session, screen: Screen) -> None:
        rows: dict[str, Compared] = {}

        def one(scenario: Scenario) -> None:
            rows[scenario.id] = row = _run(session, scenario, order)
            screen.write(row_line(row, order, suite.chosen))

        try:
            screen.write(head_line(order, suite.chosen))
            session.each(suite.chosen, one)
        finally:
            found = SideBySide(order, [rows[scenario.id] for scenario in suite.chosen if scenario.id in rows])
            write_atomically(session.folder.path / JSON_FILE, json.dumps(found.to_json(), indent=1) + "\n")
            write_atomically(session.folder.path / MARKDOWN_FILE, found.markdown())
        screen.write_all(step_lines(found))

    return perform(settings, suite.target, suite.chosen, output, play, listed=dict(suite.listed))


def _known(target: TargetDescription, names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if name not in target.profiles:
            raise UsageError.at("--profiles", "name", name, "no such profile", valid=target.profiles)
    return names or list(target.profiles)


def _run(session: Session, scenario: Scenario, order: Sequence[str]) -> Compared:
    """The default profile first: it makes the exit status, and what cannot be run under it is run under no other."""
    outcomes: dict[str, Outcome] = {}
    for profile in (session.profile, *(name for name in order if name != session.profile)):
        role: Role = "scenario" if profile == session.profile else "ablated"
        result = session.run_as(scenario, RunKey(scenario.id, profile), role)
        outcomes[profile] = Outcome.of(result)
        if result.verdict is Verdict.UNAVAILABLE:
            break
    return Compared(scenario.id, scenario.theme, {name: outcomes[name] for name in order if name in outcomes})


def head_line(order: Sequence[str], chosen: Sequence[Scenario]) -> Line:
    """The names of the profiles, and what a cell holds."""
    width = max((len(scenario.id) for scenario in chosen), default=0)
    names = "".join(f"{name[:CELL_WIDTH]:{CELL_WIDTH}}" for name in order)
    return [(f"{'':{width}}  {names}", BOLD), ("(worst answer, recovery, lost, doubled)", DIM)]


def row_line(row: Compared, order: Sequence[str], chosen: Sequence[Scenario]) -> Line:
    """One scenario."""
    width = max((len(scenario.id) for scenario in chosen), default=0)
    pieces: list[Piece] = [(f"{row.id:{width}}  ", BOLD)]
    for name in order:
        outcome = row.outcomes.get(name)
        pieces += _cell(outcome) if outcome is not None else [(" " * CELL_WIDTH, "")]
    return pieces


def _cell(outcome: Outcome) -> Iterator[Piece]:
    looks = look(outcome.verdict)
    times = "".join(f"{_or_dash(time_ms):>9}" for time_ms in (outcome.worst_ms, outcome.recovery_ms))
    counts = "".join(f"{'-' if count is None else count:>3}" for count in (outcome.lost, outcome.doubled))
    yield (f"{looks.mark}{times}{counts}".ljust(CELL_WIDTH), looks.style)


def _or_dash(time_ms: float | None) -> str:
    return "-" if time_ms is None else seconds(time_ms)


def step_lines(found: SideBySide) -> Iterator[Line]:
    """The legend of the rows; what each step from a profile to the next mends, does not, and makes worse."""
    yield [(legend(), DIM)]
    for step in found.steps:
        yield [(f"from {step.before} to {step.after}", BOLD)]
        parts: Mapping[str, Sequence[str]] = {
            "mended": step.mended, "not mended": step.not_mended, "made worse": step.made_worse,
        }  # fmt: skip
        for title, names in parts.items():
            yield [(f"  {title:10} {len(names):3}  ", DIM), (one_line(", ".join(names)), "")]
