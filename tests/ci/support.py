"""The files that other people's machines read: where they are, what they run, and whether the harness takes it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import click
from ruamel.yaml import YAML

from harness.cli.main import harness

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
ACTION = ROOT / "action.yml"
GITLAB = ROOT / "examples" / "gitlab-ci.yml"
PRE_COMMIT = ROOT / ".pre-commit-config.yaml"
SHELL_KEYS = ("run", "script", "before_script", "after_script", "entry")
HARNESS = ("-m", "harness")


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def shell_of(data: Any) -> Iterator[str]:
    """Every piece of shell in the file, as a shell gets it; each value of a matrix in its place."""
    if isinstance(data, dict):
        matrix = data.get("strategy", {}).get("matrix", {})
        for key, value in data.items():
            found = _texts(value) if key in SHELL_KEYS else shell_of(value)
            yield from (each for text in found for each in _filled_in(text, matrix))
    elif isinstance(data, list):
        for item in data:
            yield from shell_of(item)


def _texts(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) else [text for text in value if isinstance(text, str)]


def _filled_in(text: str, matrix: dict[str, list[str]]) -> Iterator[str]:
    name = next((name for name in matrix if f"matrix.{name}" in text), None)
    if name is None:
        yield text
    else:
        yield from (re.sub(rf"\$\{{\{{ *matrix\.{name} *\}}\}}", value, text) for value in matrix[name])


def harness_calls(shell: str, module: Sequence[str] = HARNESS) -> Iterator[list[str]]:
    """The words behind each `-m harness`, or that of another module, up to the end of that command."""
    for line in shell.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        for place in range(len(words)):
            if words[place : place + 2] == list(module):
                yield list(takewhile(lambda word: not set(word) <= set(";&|>"), words[place + 2 :]))


def parse(words: Sequence[str]) -> click.Command:
    """Parse the words behind `harness` as it does, run nothing, and return the verb. Raises ClickException."""
    command: click.Command = harness
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        name = rest.pop(0)
        found = command.get_command(click.Context(command), name)
        if found is None:
            raise click.UsageError(f"no such verb: {name}")
        command = found
    command.make_context("harness", rest).close()
    return command
