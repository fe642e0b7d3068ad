"""`harness check`: compares the target description with the service, before the first fault."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from harness.cli.options import STACK, SUITE, options, stack_of
from harness.cli.stage import terminated_is_interrupted
from harness.errors import UsageError
from harness.exit_status import ExitStatus
from harness.inspection import Found, inspect
from harness.invocation import harness_words
from harness.present.looks import look
from harness.results.text import counted
from harness.suite import SuiteSettings
from harness.target import load_target

_UNFILLED = re.compile(r"""^\s*([\w-]+)\s*=[^#]*(["'])[^"'#]*\bTODO\b""")
"""A key of which `harness init` could not find the value."""


@click.command()
@options(SUITE[:2], STACK)
def check(*, scenarios: Path, target: Path | None, **given: Any) -> ExitStatus:
    """Start the service once, send each request once, run each SQL once, and report what is wrong in target.toml.

    Exit status: 0 all is as described; 4 something is not.
    """
    settings = SuiteSettings(scenarios=scenarios, target=target, stack=stack_of(given))
    read = load_target(settings.target_file)
    _check_filled_in(settings.target_file)
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


def _check_filled_in(file: Path) -> None:
    lines = enumerate(file.read_text("utf-8").splitlines(), 1)
    unfilled = [(number, begun[1]) for number, line in lines if (begun := _UNFILLED.match(line))]
    if unfilled:
        places = ", ".join(f"{file}:{number}" for number, _ in unfilled)
        (number, key), *_ = unfilled
        raise UsageError.at(f"{file}:{number}", key, "TODO", "is not filled in yet", mend=f"fill in {places}")


def _lines(found: Found) -> Iterator[str]:
    if found.problem is None:
        yield f"{look('held').mark} {found.what}: {found.saw}"
    else:
        yield f"{look('failed').mark} {found.problem}"
