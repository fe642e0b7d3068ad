"""Every command on a page would be taken."""

from __future__ import annotations

import re

import click
import pytest

from bench.__main__ import BENCHMARKS
from tests.pages.commands import NotTakenError, Shell
from tests.pages.support import ROOT, Snippet, snippets

LINES = [
    (f"{snippet.place}: {line.partition(' #')[0].strip()}", snippet, line)
    for snippet in [*snippets("shell"), *snippets("shell", inline=True)]
    for line in snippet.text.splitlines()
]


@pytest.mark.parametrize(("snippet", "line"), [case[1:] for case in LINES], ids=[case[0] for case in LINES])
def test_it_is_taken(snippet: Snippet, line: str) -> None:
    folder = snippet.page.parent if snippet.page.parent.name != "docs" else ROOT
    Shell(folder, mentions=snippet.inline).check(line)


@pytest.mark.parametrize(
    "line",
    [
        "python -m harness gaet",
        "harness gate --profil x",
        "cd webhook && python mian.py",
        "python -m hraness gate",
        "python -m bench helthy",
        "python -m bench --round 4",
        "python -m bench.transparency asyncpg|redsi",
        "python -m webhook migrat",
        "tox -e gaet",
        "tox rnu -e gate",
        "tox run -e gate -- --profil incident",
        "pytest tests/chekcs",
        ".venv/bin/pip install --require-hashes -r requirements/dve.txt",
        "uv pip compile pyproject.toml --group dve -o requirements/dev.txt",
        "python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/rxv run",
        "make gate",
    ],
)
def test_a_slip_would_be_found(line: str) -> None:
    with pytest.raises((NotTakenError, click.ClickException)):
        Shell(ROOT).check(line)


def test_the_table_of_benchmarks_has_each() -> None:
    page = (ROOT / "bench" / "README.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [one.name for one in BENCHMARKS]


def test_the_pages_commands_are_seen() -> None:
    seen = {(snippet.page.name, line.split(" #")[0].strip()) for _, snippet, line in LINES}
    assert ("README.md", "python -m harness verify --candidate NEW.toml") in seen
    assert ("CONTRIBUTING.md", "tox run -e gate -- --profile incident") in seen
    assert ("README.md", "cd webhook && python main.py") in seen
