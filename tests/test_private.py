"""What begins with an underscore belongs to its own folder: nobody else imports it, no test either."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tiny import CHECKOUT

MAYBE = re.compile(r"^\s*from [\w.]*\._|\bimport\b[^\n]*\b_[a-zA-Z]|^ +_\w+(?:,| as )", re.MULTILINE)
"""What every such import looks like, and little else: only files that have it are parsed."""
TOPS = ("harness", "webhook", "scenarios", "bench", "tests")


def private_in(source: str, folder: Path) -> Iterator[str]:
    """Every import of a module, or of a name, that begins with an underscore and belongs to another folder."""
    own = folder.parts
    for node in ast.walk(ast.parse(source if MAYBE.search(source) else "")):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in TOPS:
            for alias in node.names:
                path = (*node.module.split("."), alias.name)
                hidden = next((at for at, part in enumerate(path) if _is_private(part)), None)
                if hidden is not None and own[:hidden] != path[:hidden]:
                    yield f"{node.lineno}: {'.'.join(path)}"


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_no_file_imports_what_is_private_to_another_folder() -> None:
    found = [
        f"{path.relative_to(CHECKOUT)}:{where}"
        for top in TOPS
        for path in sorted((CHECKOUT / top).rglob("*.py"))
        for where in private_in(path.read_text("utf-8"), path.relative_to(CHECKOUT).parent)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "folder", "found"),
    [
        ("from harness.relay._engine import Engine", "tests/relay", True),
        ("from harness.relay import _engine", "tests/relay", True),
        ("from harness.relay.engine import _Engine", "harness/relay", True),
        ("from harness.relay.engine import __version__", "tests/relay", False),
        ("from harness.relay._engine import Engine", "harness/relay", False),
        ("from harness.relay._engine import Engine", "harness/relay/rules", False),
        ("from harness.relay.engine import (\n    Engine,\n    _Judge,\n)", "tests/relay", True),
        ("from os import _exit", "tests/relay", False),
    ],
)
def test_each_way_to_import_it_is_found(source: str, folder: str, found: bool) -> None:
    assert bool(list(private_in(source, Path(folder)))) == found
