"""`harness init`: writes the first files of a user's project."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import click

from harness.drafting.project import Asked, Project, Written, found, linkable, written
from harness.errors import UsageError
from harness.exit_status import ExitStatus
from harness.invocation import harness_words_in

DISTRIBUTION = "webhook-resilience-harness"
QUESTIONS = (
    ("command", "the command that starts the service"),
    ("alive", "the path that it answers with 2xx while it lives"),
    ("path", "the request that must never be lost, such as POST /orders/{id}"),
    ("sql", "SQL that lists the ids of what is stored, such as SELECT id FROM orders"),
)
"""The questions for values that were neither found nor given, and the field of `Project` that each one fills."""
FLAGS = {"path": "deliver", "sql": "stored"}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path())
@click.option("--command", metavar="COMMAND", help="Command that starts the service.  [default: found, or asked]")
@click.option("--prepare", metavar="COMMAND", help="Command that creates its tables in an empty database.")
@click.option("--alive", metavar="PATH", help="Path that answers 2xx while the service is alive.")
@click.option("--deliver", metavar="REQUEST", help="The request that must never be lost: 'POST /orders/{id}'.")
@click.option("--stored", metavar="SQL", help="SQL that lists what is stored: 'SELECT id FROM orders'.")
@click.option("--link", "links", metavar="PROTOCOL=SETTING", multiple=True,
              help="A server, and the setting that has its URL; repeatable: postgres=DATABASE_URL.")  # fmt: skip
@click.option("--harness", "requirement", metavar="X", help="What pip installs in the CI job.  [default: this version]")
def init(folder: Path, *, links: tuple[str, ...], requirement: str | None, **said: str | None) -> ExitStatus:
    """Write target.toml, scenarios, .gitignore and a CI job into a project's FOLDER.

    It finds the start command in Procfile, a compose file, manage.py, the Python sources, pyproject.toml, package.json
    or go.mod; settings and servers in a compose file; requests in the routes of Starlette, FastAPI, Flask, Django,
    Express and Go, and their bodies in the models of these routes. On a terminal it asks for the rest; otherwise it
    writes TODO. It keeps existing files.

    Exit status: 0 written; 4 a flag that does not fit.
    """
    asked = Asked(links=_links(links) if links else None, **said)
    project = found(folder, asked)
    if sys.stdin.isatty():
        project = found(folder, Asked(links=asked.links, **{**said, **_answers(project)}))
    files = written(folder, project, harness=requirement or this_harness())
    for line in _lines(folder, project, files, requirement):
        click.echo(line)
    return ExitStatus.HELD


def _links(given: Sequence[str]) -> dict[str, str]:
    links = {}
    for text in given:
        protocol, equals, setting = text.partition("=")
        if not (equals and setting):
            raise UsageError.at("command line", "--link", text, "names no setting", mend="write PROTOCOL=SETTING")
        if protocol not in linkable():
            raise UsageError.at("command line", "--link", text, "no such protocol", valid=linkable(), sought=protocol)
        links[protocol] = setting
    return links


def _answers(project: Project) -> dict[str, str]:
    """Ask for what is not known; an empty answer leaves it open."""
    answers = {}
    for key, question in QUESTIONS:
        if not getattr(project, key):
            answer = click.prompt(question, default="", show_default=False)
            if answer:
                answers[FLAGS.get(key, key)] = str(answer)
    return answers


def this_harness() -> str:
    """What pip installs to have this harness again: its commit where it came from one, else its version."""
    try:
        own = distribution(DISTRIBUTION)
    except PackageNotFoundError:  # used from a checkout
        return DISTRIBUTION
    came_from = json.loads(own.read_text("direct_url.json") or "{}")  # PEP 610
    if "vcs_info" in came_from:
        vcs = came_from["vcs_info"]
        return f"{DISTRIBUTION} @ {vcs['vcs']}+{came_from['url']}@{vcs['commit_id']}"
    return f"{DISTRIBUTION}=={own.version}"


def _lines(folder: Path, project: Project, files: Sequence[Written], requirement: str | None) -> Iterator[str]:
    for key, file in project.whence.items():
        yield f"found {key} in {file}"
    for each in files:
        yield f"{'kept' if each.kept else 'wrote'} {each.file}"
    target = files[0].file
    marked = [n for n, line in enumerate(target.read_text("utf-8").splitlines(), 1) if "TODO" in line]
    if marked:
        yield f"fill in the lines with TODO: {', '.join(f'{target}:{n}' for n in marked)}"
    if requirement is None and not all(each.kept for each in files):
        yield f"the CI job installs {this_harness()}; if it cannot have that, say so with --harness, or mend the job"
    here = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    yield f"next: {here}{shlex.join([*harness_words_in(folder), 'check'])}"
