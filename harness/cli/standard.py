"""Plans the standard suite, and says meanwhile what happens."""

from __future__ import annotations

import click

from harness.standard import StandardSuite, look_and_plan
from harness.suite import SuiteSettings
from harness.target import Target


def plan_standard(settings: SuiteSettings, target: Target, profile: str) -> StandardSuite:
    """Start servers, plan the standard suite on them, and show which of its scenarios do not apply."""
    made = look_and_plan(target, settings.stack, profile=profile, without=settings.without, progress=_tell)
    for each in made.left_out:
        _tell(f"left out: {each.what}: {each.why}")
    return made


def _tell(text: str) -> None:
    click.echo(text, err=True)
