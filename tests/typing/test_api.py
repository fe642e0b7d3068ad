"""The typing test forgets no public name, and mypy does look at it."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import harness

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def test_every_public_name_is_in_it() -> None:
    nodes = list(ast.walk(ast.parse((HERE / "api.py").read_text("utf-8"))))
    imported = {name.name for node in nodes if isinstance(node, ast.ImportFrom) for name in node.names}
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    assert set(harness.__all__) - imported == set()
    assert set(harness.__all__) - used == set(), "imported, and nothing is said of it"


def test_mypy_looks_at_it_and_reports_an_error_that_no_longer_comes() -> None:
    mypy = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    assert "tests" in mypy["files"]
    assert mypy["strict"]
    assert mypy.get("warn_unused_ignores", True)
