"""Every command line that a file or a page tells somebody to run is one that the harness takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

from harness.cli.main import harness
from tests.ci.support import ACTION, GITLAB, PRE_COMMIT, ROOT, WORKFLOWS, harness_calls, read, shell_of, shown

RUN_BY_MACHINES = [*WORKFLOWS, GITLAB, ROOT / ".ci" / "run", PRE_COMMIT]
READ_BY_PEOPLE = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "bench/README.md")]
TOLD = re.compile(r"(?:python -m harness|tox run -e gate --|`harness) +([^`\n#]*)")


def in_files() -> Iterator[tuple[str, list[str]]]:
    for path in RUN_BY_MACHINES:
        for shell in shell_of(read(path)) if path.suffix in {".yml", ".yaml"} else [path.read_text("utf-8")]:
            yield from ((shown(path), words) for words in harness_calls(shell))


def on_pages() -> Iterator[tuple[str, list[str]]]:
    for path in READ_BY_PEOPLE:
        for found in TOLD.finditer(path.read_text("utf-8")):
            verb = ["gate"] if "tox" in found[0] else []
            yield from ((shown(path), [*verb, *words]) for words in harness_calls(f"-m harness {found[1]}"))


def parse(words: Sequence[str]) -> None:
    """Take the words apart as the command line does, and run nothing. Raises ClickException."""
    command: click.Command = harness
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        name = rest.pop(0)
        found = command.get_command(click.Context(command), name)
        if found is None:
            raise click.UsageError(f"no such verb: {name}")
        command = found
    command.make_context("harness", rest).close()


CALLS = [*in_files(), *on_pages()]


@pytest.mark.parametrize(("place", "words"), CALLS, ids=[f"{place}: {' '.join(words)}" for place, words in CALLS])
def test_the_harness_takes_it(place: str, words: list[str]) -> None:
    del place
    parse(words)


@pytest.mark.parametrize(
    "words", [["gaet"], ["gate", "--profil", "x"], ["sweep", "--lanes", "none"], ["baseline", "x"], ["soak"]]
)
def test_what_it_does_not_take_would_be_found(words: list[str]) -> None:
    with pytest.raises(click.ClickException):
        parse(words)


@pytest.mark.parametrize(
    ("path", "verbs"),
    [
        (ROOT / ".github" / "workflows" / "resilience.yml", {"doctor", "gate", "ablate", "sweep"}),
        (GITLAB, {"doctor", "gate", "ablate", "sweep"}),
        (ACTION, {"gate"}),
    ],
    ids=["resilience.yml", "gitlab-ci.yml", "action.yml"],
)
def test_the_verbs_of_a_file_are_seen(path: Path, verbs: set[str]) -> None:
    assert {words[0] for shell in shell_of(read(path)) for words in harness_calls(shell)} == verbs


def test_the_pages_commands_are_seen() -> None:
    seen = {(place, words[0]) for place, words in on_pages() if words}
    assert {("README.md", "gate"), ("README.md", "verify"), ("CONTRIBUTING.md", "new")} <= seen
