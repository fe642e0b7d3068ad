"""`harness answers`: compares the service's answers to every variant of a request with the approved ones."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from harness.cli.chosen import choose
from harness.cli.options import OUTPUT, PLAN, STACK, WHERE, options, output_of, settings_of
from harness.cli.stage import on_screen, typed
from harness.exit_status import ExitStatus
from harness.present.terminal.views.answers import answers_lines
from harness.suite.verbs.answers import record_answers
from harness.suite.verbs.search import open_search

UPDATE = (click.option("--update", is_flag=True, help="Write the file of approved answers again."),)


@click.command()
@options(UPDATE, PLAN, WHERE, STACK, OUTPUT)
def answers(*, update: bool, **given: Any) -> ExitStatus:
    """Send every variant of the target's requests, and compare each answer with the approved one.

    A variant differs in one thing from the usual delivery or read. `answers.toml` beside the target has the approved
    answers. --update writes that file again, and shows the difference.

    Exit status: 0 every answer is as approved; 1 one is not; 3 the harness broke; 4 usage or configuration.
    """
    output, settings = output_of(given), settings_of(given)
    suite = choose(settings, ())
    # The answers are in the committed file. A results folder would only push out older results.
    with TemporaryDirectory(prefix="harness-answers-") as folder, on_screen(output) as screen:
        aside = dataclasses.replace(settings, results=Path(folder))
        with open_search(aside, suite.target, command=typed(), progress=screen.progress) as search:
            recorded = record_answers(search, update=update)
        screen.write_all(answers_lines(recorded))
    if output.as_json:
        sys.stdout.write(json.dumps(recorded.to_json(), indent=1) + "\n")
    return recorded.status


__all__ = ["answers"]
