"""`harness verify`: says whether a candidate may replace the running release."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

import click

from harness.cli.chosen import choose
from harness.cli.options import JOBS, JUDGED, PLACES, SEED, STACK, STRICT, WHICH_SUITE, options, output_of, settings_of
from harness.cli.stage import perform, typed
from harness.exit_status import ExitStatus
from harness.present.html.verify_page import write_pages
from harness.present.looks import BOLD
from harness.present.terminal.screen import Screen
from harness.present.terminal.views.comparison.verification import verification_lines
from harness.suite import Session
from harness.suite.selection.chosen import Chosen
from harness.suite.settings import TARGET_FILE
from harness.suite.verbs import release as releases

CANDIDATE = click.option(
    "--candidate", type=click.Path(path_type=Path), required=True, metavar="TARGET",
    help="The candidate's target description.",
)  # fmt: skip
AGAINST = click.option(
    "--against", type=click.Path(path_type=Path), metavar="TARGET|RUN",
    help="The release: its target description, or the folder of one of its runs (best of `harness ablate`)."
    "  [default: target.toml beside the scenarios]",
)  # fmt: skip


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@options((CANDIDATE, AGAINST, SEED, STRICT, WHICH_SUITE, JOBS), PLACES, STACK, JUDGED)
def verify(ids: tuple[str, ...], *, candidate: Path, against: Path | None, **given: Any) -> ExitStatus:
    """Run the scenarios and their proofs against a candidate and against the release, and compare.

    These are worse: a scenario that newly fails, is inconclusive or unavailable, or is gone; a kind of
    evidence that is gone; a protection that is no longer proved; an answer or a recovery that takes several
    times as long. What the release's own run did not judge cannot be compared, and prevents a release too.
    The report is verify.md, verify.html and verify.json in the run's folder.

    Exit status: 0 nothing is worse, and the candidate holds; 1 something is worse, or failed;
    2 interrupted; 3 inconclusive, not all could be compared, or the harness broke; 4 usage or
    configuration; 5 nothing ran.
    """
    output = output_of(given)
    settings = settings_of({**given, "target": candidate})
    suite = choose(settings, ids)

    def choose_for(target: Path) -> Chosen:
        return choose(dataclasses.replace(settings, target=target), ids)

    release = releases.release_of(against or settings.scenarios / TARGET_FILE, suite, choose_for)

    def play(session: Session, screen: Screen) -> None:
        def begins() -> None:
            screen.write([("the release", BOLD)])

        found = releases.verify(suite, session, release, command=typed(), begins=begins)
        write_pages(found, shlex.join(typed().words), session.folder.path)
        screen.write_all(verification_lines(found))

    return perform(suite, output, play)
