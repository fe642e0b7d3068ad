"""`harness new`: writes the first draft of a scenario, and says how it goes on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from harness.cli.chosen import choose
from harness.cli.options import SUITE, options
from harness.drafting import Draft, check_name, draft
from harness.errors import HarnessError, UsageError
from harness.results.repro import harness_words
from harness.suite import ExitStatus, SuiteSettings


@click.command()
@click.argument("name")
@click.option(
    "--fault", metavar="KIND", default="link.cut", show_default=True,
    help="What goes wrong: LAYER.KIND, as `harness faults` lists them.",
)  # fmt: skip
@click.option("--link", metavar="LINK", help="Where.  [default: the first of the target's that the fault fits]")
@click.option("--proves", metavar="PROTECTION", help="What it is to prove.  [default: one of the link's]")
@options(SUITE[:2])
def new(
    name: str, *, fault: str, link: str | None, proves: str | None, scenarios: Path, target: Path | None
) -> ExitStatus:
    """Write scenarios/NAME.py: a scenario that runs at once, with a proof to fill in.

    NAME is the scenario's id: a-z 0-9 _. An existing file is never overwritten.

    Exit status: 0 written; 4 a name that is taken or does not exist.
    """
    settings = SuiteSettings(scenarios=scenarios, target=target)
    suite = choose(settings, ())
    file = check_name(name, scenarios, {each.id.partition("[")[0] for each in suite.scenarios})
    written = draft(name, suite.target, kind=fault, link=link, protection=proves)
    _write(file, written.text)
    for line in _next_lines(file, written, settings):
        click.echo(line)
    return ExitStatus.HELD


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError as problem:
        raise UsageError(f"{file}: exists already", hint="take another name") from problem
    except OSError as problem:
        raise HarnessError(f"{file}: {problem}", hint="is the folder another user's, or the disk full?") from problem


def _next_lines(file: Path, written: Draft, settings: SuiteSettings) -> Iterator[str]:
    def line(*words: str) -> str:
        return f"    {shlex.join([*harness_words(), *words, *settings.options()])}"

    yield f"{file}: {written.kind} on {written.link}, to prove {written.protection}"
    yield "It runs, and should hold:"
    yield line("run", written.name)
    yield "Which protections carry it, and how it fails without one:"
    yield line("ablate", written.name, "--matrix")
    yield line("run", written.name, "--without", written.protection)
    yield "With the check and its words written into `proves`, see it proved:"
    yield line("run", written.name, "--proofs")
