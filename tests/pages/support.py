"""What stands in the pages that people read, taken apart: code, commands, samples, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = tuple(
    ROOT / name
    for name in (
        "README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md", "bench/README.md", "requirements/README.md",
        "webhook/README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")),
    )
)  # fmt: skip
FINDINGS = tuple(sorted((ROOT / "docs" / "findings").glob("*.md")))
"""Sessions of other people's services: only their links are checked."""

Kind = Literal["shell", "python", "yaml", "toml", "json", "terminal", "sphinx", "text", "example", "printed"]
KIND_OF_FENCE: dict[str, Kind] = {
    "sh": "shell", "python": "python", "yaml": "yaml", "toml": "toml", "json": "json", "": "terminal",
    "go": "example", "py": "example", "text": "printed",
}  # fmt: skip
TEXTS = {
    ("CONTRIBUTING.md", "redis.exceptions.ConnectionError: Error 22"): "a line of a service's log",
    ("ARCHITECTURE.md", "plan          act"): "a diagram",
}
"""Indented blocks that are neither commands nor code, by how they begin, and what they are."""
ENVIRONMENT = re.compile(r"(?:\.venv|/tmp/\w+)/bin/")
"""A program of an environment that a page has made."""
COMMAND = re.compile(rf"(?:cd|harness|pytest|tox|uv|python3?|{ENVIRONMENT.pattern}\S+)(?: |$)")
CODE = re.compile(r"(?:@|from |import |async |await )")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A block, or a piece of code in a sentence (`inline`). `line` is the page's, from 1."""

    page: Path
    line: int
    kind: Kind
    text: str
    inline: bool = False

    @property
    def place(self) -> str:
        """For a test's id."""
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


class UnknownKindError(AssertionError):
    """Nothing is known that could check such a block."""


def parsed(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))


def blocks(page: Path) -> Iterator[Snippet]:
    """Every block of the page. Raises UnknownKindError."""
    for token in parsed(page):
        if token.type == "fence":
            yield Snippet(page, _line(token), _kind_of_fence(page, token), token.content)
        elif token.type == "code_block":
            for offset, text in _pieces(token.content):
                yield Snippet(page, _line(token) + offset, _kind_of_text(page, _line(token) + offset, text), text)


def inlines(page: Path) -> Iterator[Snippet]:
    """Every piece of code in a sentence that is a command or a call."""
    for token in parsed(page):
        for child in token.children or ():
            if child.type == "code_inline" and COMMAND.match(child.content):
                yield Snippet(page, _line(token), "shell", child.content, inline=True)
            elif child.type == "code_inline":
                yield Snippet(page, _line(token), "python", child.content, inline=True)


def links(page: Path) -> Iterator[tuple[int, str]]:
    """Line and address of every link."""
    for token in parsed(page):
        for child in token.children or ():
            if child.type == "link_open":
                yield _line(token), str(child.attrs["href"])


def snippets(kind: Kind, *, inline: bool = False) -> list[Snippet]:
    """All of one kind, of all pages; of a page with a block that nothing could check, only those in sentences."""
    found = []
    for page in PAGES:
        found += [one for one in (inlines(page) if inline else _known(page)) if one.kind == kind]
    return found


def _known(page: Path) -> list[Snippet]:
    try:
        return list(blocks(page))
    except UnknownKindError:
        return []  # test_kinds.py says so


def _kind_of_fence(page: Path, token: Token) -> Kind:
    if token.info.startswith("{") and page.parent.name == "docs":
        return "sphinx"
    if token.info not in KIND_OF_FENCE:
        place = f"{page.relative_to(ROOT).as_posix()}:{_line(token)}"
        raise UnknownKindError(f"{place}: nothing checks a block of {token.info!r}; known: {[*KIND_OF_FENCE]}")
    return KIND_OF_FENCE[token.info]


def _kind_of_text(page: Path, line: int, text: str) -> Kind:
    if COMMAND.match(text):
        return "shell"
    if CODE.match(text):
        return "python"
    if text.startswith("["):
        return "toml"
    name = page.relative_to(ROOT).as_posix()
    if any(name == known and text.startswith(begins) for known, begins in TEXTS):
        return "text"
    raise UnknownKindError(f"{name}:{line}: neither a command nor code, and not in TEXTS: {text[:60]!r}")


def _pieces(block: str) -> Iterator[tuple[int, str]]:
    """Commands apart from what stands before or after them: to Markdown two indented blocks are one."""
    numbered = list(enumerate(block.splitlines(keepends=True)))
    for _, lines in groupby(numbered, key=lambda line: _is_command(block, line[0])):
        found = list(lines)
        text = "".join(line for _, line in found)
        if text.strip():
            yield found[0][0], text


def _is_command(block: str, number: int) -> bool:
    """Whether the paragraph that has the line begins with a command."""
    lines = block.splitlines()
    first = next((after + 1 for after in range(number - 1, -1, -1) if not lines[after]), 0)
    return bool(COMMAND.match(lines[first]))


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0
