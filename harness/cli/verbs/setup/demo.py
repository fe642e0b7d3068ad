"""`harness demo`: breaks a careless service that comes with the harness, for a first look."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from harness.cli.chosen import choose
from harness.cli.options import JOBS, OUTPUT, options, output_of
from harness.cli.stage import perform
from harness.demo import SCENARIOS, copy_to
from harness.exit_status import ExitStatus
from harness.invocation import harness_words, harness_words_in
from harness.plugin.options import HELP
from harness.present.terminal.screen import Screen
from harness.suite import Session, SuiteSettings
from harness.suite.settings import RESULTS
from harness.suite.verbs.running import run_scenarios

OWN = Path("orders")
"""The copy that the demo proposes."""


@click.command()
@click.option("--copy", type=click.Path(path_type=Path), metavar="DIR",
              help="Run nothing: copy the service and its scenarios into DIR, to fix them there.")  # fmt: skip
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, metavar="DIR",
              help=f"{HELP['results'][:1].upper()}{HELP['results'][1:]}.")  # fmt: skip
@options((JOBS,), OUTPUT)
def demo(*, copy: Path | None, results: Path, jobs: int, **given: Any) -> ExitStatus:
    """Break a careless service of sixty lines that comes with the harness.

    Five scenarios show how it loses orders, on servers that the harness starts. The exit status is that of a gate: 1,
    because scenarios fail.
    """
    output = output_of(given)
    if copy is not None:
        copy_to(copy)
        status = ExitStatus.HELD
    else:
        suite = choose(SuiteSettings(scenarios=SCENARIOS, results=results, jobs=jobs), ())

        def play(session: Session, screen: Screen) -> None:
            del screen
            run_scenarios(suite, session)

        status = perform(suite, output, play)
    for line in _next_lines(copy):
        click.echo(line, err=output.as_json)
    return status


def _next_lines(copied: Path | None) -> Iterator[str]:
    gate = shlex.join([*harness_words_in(copied or OWN), "gate"])
    if copied is None:
        yield "next: the service as files of yours, to be mended until it holds:"
        yield f"    {shlex.join([*harness_words(), 'demo', '--copy', str(OWN)])} && cd {OWN} && {gate}"
        yield "or a service of your own, in its folder:"
        yield f"    {shlex.join([*harness_words(), 'init'])}"
    else:
        yield f"{copied}: service.py, and scenarios/ with target.toml; mend the service until it holds:"
        yield f"    cd {shlex.quote(str(copied))} && {gate}"
