"""`harness replay`: performs a schedule file again."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

import click

from harness.cli.options import JUDGED, STACK, WHERE, options, output_of, settings_of
from harness.cli.stage import perform
from harness.errors import UsageError
from harness.exit_status import ExitStatus
from harness.invocation import harness_words
from harness.plugin.collection import collect_scenarios
from harness.present.terminal.screen import Screen
from harness.results import RunKey
from harness.results.places import Location
from harness.scenario.blaming import blamed
from harness.scenario.lab import Lab
from harness.scenario.scenario import Scenario
from harness.scenario.schedule import Schedule, read_schedule
from harness.suite import Session, SuiteSettings
from harness.suite.selection.chosen import Chosen
from harness.target import Target, load_target

THEME = "replay"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--print", "only_print", is_flag=True, help="Print the schedule as Python, and run nothing.")
@options(WHERE, STACK, JUDGED)
def replay(file: Path, *, only_print: bool, **given: Any) -> ExitStatus:
    """Perform the steps of a schedule FILE, with the profile, the seed and the switched-off protections that it names.

    A schedule is partial if its scenario's Python read an answer. Then the scenario of its id is run with its seed.
    """
    schedule = read_schedule(file)
    if only_print:
        click.echo(as_python(schedule), nl=False)
        return ExitStatus.HELD
    output, settings = output_of(given), settings_of(given)
    settings = dataclasses.replace(settings, profile=schedule.profile, without=schedule.without, seed=schedule.seed)
    target = load_target(settings.target_file)
    scenario = _by_id(schedule, settings, target) if schedule.partial else _by_steps(schedule, file)

    def line(key: RunKey, seed: int) -> str:
        del key, seed
        return shlex.join([*harness_words(), "replay", str(file), *settings.options()])

    def play(session: Session, screen: Screen) -> None:
        del screen
        session.run(scenario, repro=None if schedule.partial else line)

    chosen = Chosen(
        settings=settings, target=target, profile=schedule.profile, scenarios=[scenario], chosen=[scenario], listed={}
    )
    return perform(chosen, output, play)


def _by_steps(schedule: Schedule, file: Path) -> Scenario:
    async def play(lab: Lab) -> None:
        await lab.replay(schedule.moves)

    return Scenario(
        id=schedule.id, theme=THEME, play=blamed(play), location=Location(str(file)), readable=as_python(schedule)
    )


def _by_id(schedule: Schedule, settings: SuiteSettings, target: Target) -> Scenario:
    scenarios = collect_scenarios(settings.scenarios, target.description)
    found = [scenario for scenario in scenarios if scenario.id == schedule.id]
    if not found:
        known = [scenario.id for scenario in scenarios]
        raise UsageError.at("schedule", "id", schedule.id, "is partial, and no scenario has this id", valid=known)
    return found[0]


def as_python(schedule: Schedule) -> str:
    """The schedule as a scenario's function."""
    name = "".join(letter if letter.isalnum() else "_" for letter in schedule.id)
    without = f", without {', '.join(schedule.without)}" if schedule.without else ""
    partial = " Partial: the scenario's Python looked at an answer." if schedule.partial else ""
    body = "".join(f"    {line}\n" for line in schedule.to_python().splitlines()) or "    pass\n"
    head = f"# {schedule.id}, profile {schedule.profile}{without}, seed {schedule.seed}.{partial}\n"
    return f"{head}async def test_{name}(lab: Lab) -> None:\n{body}"
