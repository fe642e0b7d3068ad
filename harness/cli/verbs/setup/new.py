"""`harness new`: drafts a scenario, and says how to continue."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from harness.cli.chosen import choose
from harness.cli.options import SUITE, options
from harness.cli.standard import plan_standard
from harness.drafting import (
    Clue,
    Draft,
    check_free,
    check_name,
    clues,
    draft,
    draft_of,
    suite_source,
    usual_protection,
)
from harness.errors import HarnessError, UsageError
from harness.exit_status import ExitStatus
from harness.invocation import harness_words
from harness.results.text import shortened
from harness.suite import SuiteSettings

FAULT = "link.cut"
SUITE_NAME = "standard"
LINE_CHARACTERS = 100
COVERING_SHOWN = 3


@click.command()
@click.argument("name", required=False)
@click.option(
    "--from-log", type=click.Path(path_type=Path), metavar="FILE",
    help="A log: find which faults cause its lines. With NAME, draft a scenario for the first that none has.",
)  # fmt: skip
@click.option("--suite", is_flag=True, help="Write the whole standard suite of the target into a file.")
@click.option(
    "--fault", metavar="KIND",
    help=f"Fault to inject: LAYER.KIND, as `harness faults` lists them.  [default: {FAULT}]",
)  # fmt: skip
@click.option("--link", metavar="LINK", help="Link to break.  [default: the target's first link that fits the fault]")
@click.option(
    "--proves", metavar="PROTECTION", help="Protection that the scenario should prove.  [default: one of the link's]"
)
@options(SUITE[:2])
def new(
    name: str | None, *, suite: bool, from_log: Path | None, fault: str | None, link: str | None,
    proves: str | None, scenarios: Path, target: Path | None,
) -> ExitStatus:  # fmt: skip
    """Write scenarios/NAME.py: a scenario that runs at once, with a proof to fill in.

    NAME is the scenario's id: a-z 0-9 _. With --suite it is the name of the file, `standard` by
    default, and the scenarios are those of `gate --suite standard`. With --from-log and no NAME, it shows which fault
    causes which line, and which scenario has that fault already. It never overwrites a file.

    Exit status: 0 written; 4 a name that is taken or does not exist.
    """
    settings = SuiteSettings(scenarios=scenarios, target=target)
    if from_log is not None:
        _check_no_parts({"--fault": fault, "--link": link}, because="the log says which")
        lines = _from_log(settings, from_log, name, proves=proves)
    elif suite:
        parts = {"--fault": fault, "--link": link, "--proves": proves}
        _check_no_parts(parts, because="the standard suite has all faults on all links")
        lines = _write_suite(settings, name or SUITE_NAME)
    elif name is None:
        mend = "name the scenario, or say --suite or --from-log"
        raise UsageError.at("command line", "NAME", "", "a scenario needs a name", mend=mend)
    else:
        lines = _write_one(settings, name, fault=fault or FAULT, link=link, proves=proves)
    for line in lines:
        click.echo(line)
    return ExitStatus.HELD


def _write_one(
    settings: SuiteSettings, name: str, *, fault: str, link: str | None, proves: str | None
) -> Iterator[str]:
    suite = choose(settings, ())
    file = check_name(name, settings.scenarios, {each.name for each in suite.scenarios})
    written = draft(name, suite.target, kind=fault, link=link, protection=proves)
    _write(file, written.text)
    return _next_lines(file, written, settings)


def _check_no_parts(given: Mapping[str, str | None], *, because: str) -> None:
    """Refuse options that say what is known otherwise."""
    for option, value in given.items():
        if value is not None:
            raise UsageError.at("command line", option, value, because, mend="leave it out")


def _from_log(settings: SuiteSettings, log: Path, name: str | None, *, proves: str | None) -> Iterator[str]:
    suite = choose(settings, ())
    found = clues(_lines_of(log), suite.target, suite.scenarios)
    for clue in found:
        yield from _clue_lines(clue)
    if not found:
        sought = "an error number, a server's error, a lost or a silent connection"
        yield f"{log}: none of its lines shows a fault: {sought}"
    new = next((each for each in found if each.example is not None and not each.covered_by), None)
    if name is not None and new is not None and new.example is not None and new.link is not None:
        file = check_name(name, settings.scenarios, {each.name for each in suite.scenarios})
        written = draft_of(name, suite.target, new.example, new.link, proves)
        _write(file, written.text)
        yield from _next_lines(file, written, settings)


def _lines_of(log: Path) -> Sequence[str]:
    try:
        return log.read_text("utf-8", "replace").splitlines()
    except OSError as problem:
        mend = "name a file with the lines of a log"
        raise UsageError.at("command line", "--from-log", str(log), str(problem), mend=mend) from problem


def _clue_lines(clue: Clue) -> Iterator[str]:
    yield f"line {clue.number}: {shortened(clue.line, LINE_CHARACTERS)}"
    if clue.example is not None:
        yield f"    made by  {clue.example.fault!r}"
    shown = ", ".join(clue.covered_by[:COVERING_SHOWN])
    more = f" and {len(clue.covered_by) - COVERING_SHOWN} more" if len(clue.covered_by) > COVERING_SHOWN else ""
    yield f"    covered  {f'by {shown}{more}' if shown else 'by no scenario: give a NAME to draft one'}"


def _write_suite(settings: SuiteSettings, name: str) -> Iterator[str]:
    own = choose(settings, ())
    made = plan_standard(settings, own.target, own.profile)
    check_free({each.id for each in made.planned}, {each.id for each in own.scenarios})
    file = check_name(name, settings.scenarios, {each.name for each in own.scenarios})
    title = own.target.description.name
    _write(file, suite_source(made, title, lambda each: usual_protection(own.target, each.link)))
    yield f"{file}: {len(made.planned)} scenarios, which are yours from now on"
    yield "They run with the folder's other scenarios; --nightly adds the long ones:"
    yield _line(settings, "gate")


def _line(settings: SuiteSettings, *words: str) -> str:
    return f"    {shlex.join([*harness_words(), *words, *settings.options()])}"


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError as problem:
        raise UsageError(f"{file}: exists already", hint="take another name") from problem
    except OSError as problem:
        raise HarnessError(
            f"{file}: {problem}", hint="does the folder belong to another user, or is the disk full?"
        ) from problem


def _next_lines(file: Path, written: Draft, settings: SuiteSettings) -> Iterator[str]:
    proving = "" if written.protection is None else f", to prove {written.protection}"
    yield f"{file}: {written.kind} on {written.link}{proving}"
    yield "It runs, and should hold:"
    yield _line(settings, "run", written.name)
    if written.protection is None:
        return
    yield "Which protections carry it, and how it fails without one:"
    yield _line(settings, "ablate", written.name, "--matrix")
    yield _line(settings, "run", written.name, "--without", written.protection)
    yield "Write the check and its words into `proves`, then prove it:"
    yield _line(settings, "run", written.name, "--proofs")
