"""Whether a command line that a page tells would be taken: by its own parser, and by what is there. Nothing is run."""

from __future__ import annotations

import configparser
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import webhook.command
from bench.__main__ import BENCHMARKS
from bench.__main__ import main as bench
from bench.transparency.__main__ import main as transparency
from harness.cli.main import harness
from tests.ci.support import parse
from tests.pages.support import ENVIRONMENT, ROOT

PLACEHOLDER = re.compile(r"[A-Z]{2,}(?:\.\w+)?")
"""What the reader puts something else for: `VERB`, `NEW.toml`."""
ENDS = ("&&", ";", "|", "||")


class NotTakenError(Exception):
    """The command would not be taken as it stands."""


@dataclass
class Shell:
    """Where a line of commands has come to. `mentions`: in a sentence, a verb alone stands for itself."""

    folder: Path
    mentions: bool = False

    def check(self, line: str) -> None:
        """Check each command of the line, in order. Raises NotTakenError or click's UsageError."""
        for alternative in _alternatives(line):
            for words in _commands(alternative):
                self._check(words)

    def _check(self, words: Sequence[str]) -> None:
        program, *rest = words
        name = ENVIRONMENT.sub("", program)
        if name not in PROGRAMS:
            raise NotTakenError(f"{program}: nothing checks this program; known: {', '.join(PROGRAMS)}")
        PROGRAMS[name](self, rest)

    def there(self, name: str) -> Path:
        """A file or folder, as the shell finds it or as the repository has it."""
        found = next((path for path in (self.folder / name, ROOT / name) if path.exists()), None)
        if found is None and not PLACEHOLDER.fullmatch(name):
            raise NotTakenError(f"{name}: there is no such file")
        return found or Path(name)


def _alternatives(line: str) -> Iterator[str]:
    """`a|b` of two words is a choice that the reader has."""
    choice = re.search(r"[\w-]+(?:\|[\w-]+)+", line)
    if choice is None:
        yield line
    else:
        yield from (line.replace(choice[0], one) for one in choice[0].split("|"))


def _commands(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    for ends, words in groupby(lexer, key=lambda word: word in ENDS):
        if not ends:
            yield list(words)


def _python(shell: Shell, words: Sequence[str]) -> None:
    match words:
        case ["-m", module, *rest] if module in MODULES:
            MODULES[module](shell, rest)
        case [] | ["-m"] | ["-c", _]:
            pass
        case [file] if not file.startswith("-"):
            shell.there(file)
        case _:
            raise NotTakenError(f"python {shlex.join(words)}: no module or program of this project")


def _harness(shell: Shell, words: Sequence[str]) -> None:
    if shell.mentions and len(words) == 1 and words[0] in harness.commands:
        return
    if words and not PLACEHOLDER.fullmatch(words[0]):
        parse(words)


def _bench(_: Shell, words: Sequence[str]) -> None:
    with bench.make_context("bench", list(words)) as context:
        name = context.params["name"]
    if name is not None and not PLACEHOLDER.fullmatch(name) and name not in {one.name for one in BENCHMARKS}:
        raise NotTakenError(f"{name}: no benchmark has this name")


def _transparency(shell: Shell, words: Sequence[str]) -> None:
    if words or not shell.mentions:
        transparency.make_context("transparency", list(words)).close()


def _webhook(_: Shell, words: Sequence[str]) -> None:
    if " ".join(words) not in ("", *re.findall(r"\w+", webhook.command.USAGE.partition("[")[2])):
        raise NotTakenError(f"python -m webhook {shlex.join(words)}: {webhook.command.USAGE}")


def _nothing_more(_: Shell, words: Sequence[str]) -> None:
    if words:
        raise NotTakenError(f"{shlex.join(words)}: this program takes no words")


def _venv(_: Shell, words: Sequence[str]) -> None:
    if len(words) != 1 or not ENVIRONMENT.fullmatch(f"{words[0]}/bin/"):
        raise NotTakenError("the pages make their environments in .venv, or below /tmp")


def _tox(_shell: Shell, words: Sequence[str]) -> None:
    own, _, passed = _split(words, "--")
    given = [value for word, value in pairwise(own) if word == "-e"]
    environments = [name for value in given for name in value.split(",")]
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    made = {name.removeprefix("testenv:") for name in tox.sections()}
    for name in environments:
        if name not in made and not re.fullmatch(r"py3\d+", name):
            raise NotTakenError(f"tox -e {name}: tox.ini has {', '.join(sorted(made))}")
    unknown = set(own) - {"run", "-e", *given}
    if unknown:
        raise NotTakenError(f"tox: {', '.join(unknown)}")
    if environments == ["gate"]:
        parse(["gate", *passed])


def _split(words: Sequence[str], at: str) -> tuple[Sequence[str], str, Sequence[str]]:
    place = list(words).index(at) if at in words else len(words)
    return words[:place], at, words[place + 1 :]


def _files(shell: Shell, words: Sequence[str]) -> None:
    for word in words:
        if word.startswith("-"):
            raise NotTakenError(f"{word}: the pages give files alone here")
        shell.there(word)


def _pip(shell: Shell, words: Sequence[str]) -> None:
    match words:
        case ["install", "--require-hashes", "-r", file]:
            shell.there(file)
        case ["install", "cosmic-ray" | "pre-commit" | "tox"] | ["install", "."] | ["install", "--no-deps", "."]:
            pass
        case _:
            raise NotTakenError(f"pip {shlex.join(words)}: not what the pages install")


def _pre_commit(_: Shell, words: Sequence[str]) -> None:
    if list(words) != ["install"]:
        raise NotTakenError(f"pre-commit {shlex.join(words)}")


def _cosmic_ray(shell: Shell, words: Sequence[str]) -> None:
    match words:
        case ["init", configuration, _]:
            shell.there(configuration)
        case ["dump", _]:
            pass
        case _:
            raise NotTakenError(f"cosmic-ray {shlex.join(words)}")


def _uv(shell: Shell, words: Sequence[str]) -> None:
    """What goes in and what comes out are files of this repository, and groups and extras those of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    valid = {"--group": project["dependency-groups"], "--extra": project["project"]["optional-dependencies"]}
    if list(words[:2]) != ["pip", "compile"]:
        raise NotTakenError(f"uv {shlex.join(words)}")
    shell.there(words[2])
    for option, value in pairwise(words):
        if option in valid and value not in valid[option]:
            raise NotTakenError(f"{option} {value}: pyproject.toml has {', '.join(valid[option])}")
        if option in ("-c", "-o"):
            shell.there(value)


def _go(shell: Shell, words: Sequence[str]) -> None:
    if words[:2] != ["build", "-o"] or words[3:] != ["."]:
        raise NotTakenError(f"go {shlex.join(words)}: the pages only build")
    shell.there("go.mod")


def _patch(shell: Shell, words: Sequence[str]) -> None:
    [sign, file] = words
    if sign != "<":
        raise NotTakenError(f"patch {shlex.join(words)}: the pages give a file to its input")
    shell.there(file)


def _cd(shell: Shell, words: Sequence[str]) -> None:
    [folder] = words
    shell.folder = shell.there(folder)


Check = Callable[[Shell, Sequence[str]], None]
MODULES: Mapping[str, Check] = {
    "bench": _bench,
    "bench.transparency": _transparency,
    "harness": _harness,
    "tests.pages.key_tables": _nothing_more,
    "tests.pages.lists": _nothing_more,
    "tests.pages.target_schema": _nothing_more,
    "venv": _venv,
    "webhook": _webhook,
}
PROGRAMS: Mapping[str, Check] = {
    "cd": _cd,
    "cosmic-ray": _cosmic_ray,
    "go": _go,
    "harness": _harness,
    "patch": _patch,
    "pip": _pip,
    "pre-commit": _pre_commit,
    "pytest": _files,
    "python": _python,
    "python3": _python,
    "tox": _tox,
    "uv": _uv,
}
