"""`harness run`: runs some scenarios on a stack that stays up, or else on a new one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from harness.cli.chosen import choose
from harness.cli.options import JUDGED, PROOFS, WHAT, WHERE, WHICH_SUITE, check_proofs, options, output_of, settings_of
from harness.cli.stage import perform
from harness.errors import UsageError
from harness.exit_status import ExitStatus
from harness.present.terminal.screen import Screen
from harness.present.terminal.views.proof.teeth import teeth_lines
from harness.suite import Session, SuiteSettings
from harness.suite.verbs.ablation import judge_teeth
from harness.suite.verbs.running import every, none, run_scenarios
from harness.target import load_target
from harness.up.servers import UpServers


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@options(WHAT, (WHICH_SUITE, PROOFS), WHERE, JUDGED)
@click.pass_obj
def run(servers: UpServers | None, /, ids: tuple[str, ...], proofs: bool, **given: Any) -> ExitStatus:
    """Run the named scenarios from their current files, at once.

    ID is a scenario's id, its name without parameters, or a theme (`scenario:ID` or `theme:ID` if a word is both).
    If `harness up` runs for this target, they run on its servers: a second or two from a saved file to a
    verdict. Otherwise this command starts its own servers, which takes as long as a gate.

    Exit status: as the gate's.
    """
    output, settings = output_of(given), settings_of(given)
    check_proofs(settings, proofs=proofs)
    if servers is None:
        click.echo("no `harness up` runs for this: bringing up a stack for this run alone", err=True)
        suite = choose(settings, ids)
    else:
        settings = _on(servers, settings)
        target = load_target(settings.target_file)
        with servers.preparing(target):
            suite = choose(settings, ids, target=target)

    def play(session: Session, screen: Screen) -> None:
        run_scenarios(suite, session, prove=every if proofs else none)
        if proofs:
            screen.write_all(teeth_lines(judge_teeth(suite, session)))

    return perform(suite, output, play, servers=servers)


def _on(servers: UpServers, settings: SuiteSettings) -> SuiteSettings:
    """The same on servers that stay up: theirs are the scenarios and the target that were not named."""
    up = servers.settings
    scenarios = settings.scenarios if _given("scenarios") else _seen_from_here(up.scenarios, servers)
    target = settings.target
    if target is None and not _given("scenarios") and up.target is not None:
        target = _seen_from_here(up.target, servers)
    settings = dataclasses.replace(settings, scenarios=scenarios, target=target, stack=up.stack)
    serves = servers.target_file
    if settings.target_file.resolve() != serves:
        problem = f"the stack that was asked serves {serves}"
        raise UsageError.at("command line", "--target", str(settings.target_file), problem, mend="say --target FILE")
    return settings


def _given(name: str) -> bool:
    source = click.get_current_context().get_parameter_source(name)
    return source is not click.core.ParameterSource.DEFAULT


def _seen_from_here(path: Path, servers: UpServers) -> Path:
    return path if Path.cwd() == servers.directory else servers.directory / path
