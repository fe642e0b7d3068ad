"""`harness doctor`: what this machine has and can do."""

from __future__ import annotations

import json
from typing import Any

import click

from harness.cli.options import STACK, options, stack_of
from harness.doctor import examine
from harness.exit_status import ExitStatus


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@options(STACK)
def doctor(*, as_json: bool, **given: Any) -> ExitStatus:
    """Examine this machine: what was found, what it can do, and how to fix each "no".

    Exit status: 0 if a gate can run, else 3.
    """
    report = examine(stack_of(given))
    click.echo(json.dumps(report.as_json(), indent=1) if as_json else report.as_text())
    return ExitStatus.HELD if report.ok else ExitStatus.INCONCLUSIVE
