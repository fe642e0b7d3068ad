"""`harness check`: compares the target description with the service, before the first fault."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from harness.cli.options import STACK, SUITE, options, stack_of
from harness.cli.stage import terminated_is_interrupted
from harness.inspection import Found, inspect
from harness.present.looks import look
from harness.results.repro import harness_words
from harness.results.text import counted
from harness.suite import ExitStatus, SuiteSettings
from harness.target import load_target


@click.command()
@options(SUITE[:2], STACK)
def check(*, scenarios: Path, target: Path | None, **given: Any) -> ExitStatus:
    """Start the service once, send each request once, run each SQL once, and say what is wrong in target.toml.

    Exit status: 0 all is as described; 4 something is not.
    """
    settings = SuiteSettings(scenarios=scenarios, target=target, stack=stack_of(given))
    read = load_target(settings.target_file)
    with terminated_is_interrupted():
        found = inspect(read, settings.stack, lambda each: click.echo("\n".join(_lines(each))))
    wrong = sum(each.problem is not None for each in found)
    if wrong:
        click.echo(f"{counted(wrong, 'thing')} not as described: mend {settings.target_file}, or the service")
        return ExitStatus.USAGE
    gate = shlex.join([*harness_words(), "gate", *settings.options()])
    click.echo(f"{settings.target_file} describes the service; next: {gate}")
    click.echo(f"or break all that it uses, without a scenario: {gate} --suite standard")
    return ExitStatus.HELD


def _lines(found: Found) -> Iterator[str]:
    if found.problem is None:
        yield f"{look('held').mark} {found.what}: {found.saw}"
    else:
        yield f"{look('failed').mark} {found.problem}"
