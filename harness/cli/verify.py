"""`harness verify`: says whether a candidate may replace the running release."""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from harness.checks import Verdict
from harness.cli.chosen import Chosen, choose
from harness.cli.options import JOBS, OUTPUT, PLACES, SEED, STACK, STRICT, options, output_of, settings_of
from harness.cli.stage import perform, typed
from harness.compare.verification import Verification, verification
from harness.errors import UsageError
from harness.present.html.verify_page import html_page, markdown_page
from harness.present.looks import BAD, BOLD, DOUBT, GOOD
from harness.present.terminal.lines import Line
from harness.present.terminal.screen import Screen
from harness.results import RunKey, RunResult
from harness.results.ablation import PairVerdict
from harness.results.files import write_atomically
from harness.results.reading import SummaryRead, own_runs, read_summary, summary_from
from harness.results.repro import harness_words
from harness.results.text import one_line
from harness.scenario.scenario import Scenario
from harness.suite import ExitStatus, Session

SECTION = "verify"
JSON_FILE, MARKDOWN_FILE, HTML_FILE = "verify.json", "verify.md", "verify.html"
RELEASE_FOLDER = "release"
CANDIDATE = click.option(
    "--candidate", type=click.Path(path_type=Path), required=True, metavar="TARGET",
    help="The candidate's target description.",
)  # fmt: skip
AGAINST = click.option(
    "--against", type=click.Path(path_type=Path), metavar="TARGET|RUN",
    help="The release: its target description, or the folder of a run of it (best one of `harness ablate`)."
    "  [default: target.toml beside the scenarios]",
)  # fmt: skip


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@options((CANDIDATE, AGAINST, SEED, STRICT, JOBS), PLACES, STACK, OUTPUT)
def verify(ids: tuple[str, ...], *, candidate: Path, against: Path | None, **given: Any) -> ExitStatus:
    """Run the scenarios and their proofs against a candidate and against the release, and compare.

    Worse is: a scenario that newly fails, is inconclusive or unavailable, or is gone; a kind of evidence
    gone; a protection that is no longer proved; an answer or a recovery that takes several times as long.
    What the release's own run did not judge cannot be compared, and is no release either. The report is
    verify.md, verify.html and verify.json in the run's folder.

    Exit status: 0 nothing is worse, and the candidate holds; 1 something is worse, or failed;
    2 interrupted; 3 inconclusive, not all could be compared, or the harness broke; 4 usage or
    configuration; 5 nothing ran.
    """
    output = output_of(given)
    settings = settings_of({**given, "target": candidate})
    release = against or settings.scenarios / "target.toml"
    suite = choose(settings, ids)
    recorded = None if _is_description(release) else _recorded(release, suite)
    other = suite if recorded else choose(dataclasses.replace(settings, target=release), ids)

    def play(session: Session, screen: Screen) -> None:
        _tried(session, suite)
        new = _summary(session)
        session.rest()
        old = recorded or _release(other, session, screen, new)
        ids_chosen = [scenario.id for scenario in suite.chosen]
        # A run may be of more than was chosen here; a description's scenarios were chosen by the same words.
        whole = suite.whole or recorded is None
        excused = () if settings.strict else tuple(suite.listed)
        found = verification(new, old, ids_chosen, suite.proofs, whole=whole, excused=excused)
        _write(session, found)
        session.add(SECTION, found.to_json(), found.findings(SECTION))
        screen.write_all(verification_lines(found))

    return perform(settings, suite.target, suite.chosen, output, play, listed=dict(suite.listed))


def _is_description(path: Path) -> bool:
    return path.suffix == ".toml"


def _recorded(release: Path, suite: Chosen) -> SummaryRead:
    """Read the release's run. Raises UsageError for one that was not ended, or says nothing of what was chosen."""
    found = read_summary(release, of_run=False)
    if not found.complete:
        mend = "wait for it, have it made anew, or name another run or the release's target description"
        problem = f"{found.run.id} is not complete: it still runs, or was ended before all was run"
        raise UsageError.at("--against", "run", str(release), problem, mend=mend)
    ran = {run.id for run in own_runs(found) if run.profile == suite.profile}
    missing = [scenario.id for scenario in suite.chosen if scenario.id not in ran]
    if missing:
        mend = "choose fewer, or name a run of all of them, or the release's target description"
        problem = f"did not run {', '.join(missing[:5])} under {suite.profile} with everything on"
        raise UsageError.at("--against", "run", str(release), problem, mend=mend)
    return found


def _tried(session: Session, suite: Chosen) -> None:
    """The candidate: every scenario, and every proof."""

    def one(scenario: Scenario) -> None:
        _prove(session, scenario, session.run(scenario))

    session.each(suite.chosen, one)


def _release(suite: Chosen, session: Session, screen: Screen, new: SummaryRead) -> SummaryRead:
    """The release, on servers of its own: every scenario, and those proofs that the candidate's did not bear out.

    What the candidate has proved needs no proof of the release to be no worse.
    """
    lost = {proof.id for proof in new.proofs if proof.verdict is not PairVerdict.PROVED}
    settings = dataclasses.replace(suite.settings, results=session.folder.path / RELEASE_FOLDER)
    screen.write([("the release", BOLD)])
    ids = [scenario.id for scenario in suite.chosen]
    with Session(settings, suite.target, command=typed(), selection=ids, listed=suite.listed, watcher=screen) as other:

        def one(scenario: Scenario) -> None:
            result = other.run(scenario)
            if scenario.id in lost:
                _prove(other, scenario, result)

        other.each(suite.chosen, one)
        other.finish()
        return _summary(other)


def _prove(session: Session, scenario: Scenario, result: RunResult) -> None:
    if result.verdict is not Verdict.UNAVAILABLE:
        known: dict[RunKey, RunResult] = {result.key: result}
        session.prove(scenario, known)


def _summary(session: Session) -> SummaryRead:
    data = session.summary(complete=True, status=session.status).to_json(session.folder.relative)
    return summary_from(data, place="this run")


def _write(session: Session, found: Verification) -> None:
    command = shlex.join((*harness_words(), *sys.argv[1:]))
    folder = session.folder.path
    write_atomically(folder / JSON_FILE, json.dumps(found.to_json(), indent=1) + "\n")
    write_atomically(folder / MARKDOWN_FILE, markdown_page(found, command))
    write_atomically(folder / HTML_FILE, html_page(found, command))


def verification_lines(found: Verification) -> Iterator[Line]:
    """The verdict, then what it rests on, one line each."""
    yield [(found.verdict, GOOD if found.clean else BAD if found.regressions else DOUBT)]
    for each in found.regressions:
        yield [(f"x {each.kind.value:18} ", BAD), (one_line(each.sentence), "")]
    lists: Sequence[tuple[str, str, Sequence[str]]] = (
        ("?", "could not be told", found.not_told), ("x", "as before", found.as_before), ("+", "better", found.better),
    )  # fmt: skip
    for mark, title, sentences in lists:
        for sentence in sentences:
            yield [(f"{mark} {title:18} ", DOUBT if mark != "+" else GOOD), (one_line(sentence), "")]
