"""`harness gate`: runs every scenario, or some of them, and says by its exit status whether all is well."""

from __future__ import annotations

from typing import Any

import click

from harness.checks import Verdict
from harness.cli.options import OUTPUT, STACK, WHAT, WHERE, options, output_of, settings_of
from harness.cli.screen import Screen
from harness.cli.stage import perform
from harness.errors import UsageError
from harness.plugin.collecting import collect_scenarios
from harness.suite import ExitStatus, Session, check_profile, read_unavailable, select
from harness.suite.unavailable import FILE
from harness.target import load_target


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@options(WHAT, (click.option("--proofs", is_flag=True, help="Try every proof of each scenario too."),))
@options(WHERE, STACK, OUTPUT)
def gate(ids: tuple[str, ...], *, proofs: bool, **given: Any) -> ExitStatus:
    """Run the scenarios against the service, and judge them.

    ID is a scenario's id, its name without parameters, or a theme; without any, all run.

    Exit status: 0 all held; 1 something failed; 2 interrupted; 3 inconclusive, or the harness broke;
    4 usage or configuration; 5 nothing ran.
    """
    output, settings = output_of(given), settings_of(given)
    if proofs and settings.without:
        raise UsageError.at(
            "command line",
            "--without",
            ", ".join(settings.without),
            "a proof says itself what is off",
            mend="leave it out",
        )
    target = load_target(settings.target_file)
    check_profile(settings, target)
    scenarios = collect_scenarios(settings.scenarios, target.description)
    chosen = select(scenarios, ids)
    listed = read_unavailable(settings.scenarios / FILE, [scenario.id for scenario in scenarios])

    def play(session: Session, screen: Screen) -> None:
        del screen
        for scenario in chosen:
            result = session.run(scenario)
            if proofs and result.verdict is not Verdict.UNAVAILABLE:
                session.prove(scenario, {result.key: result})

    return perform(settings, target, chosen, output, play, listed=dict(listed))
