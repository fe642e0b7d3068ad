"""Reads the scenario's docstring and source, as the run saved them."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from pathlib import Path

CHARACTERS_MAX = 6000


@dataclass(frozen=True, slots=True)
class Source:
    """`about`: the docstring. `code`: the file, which names the place first; its end is left out if it is very long."""

    about: str = ""
    code: str = ""


NOTHING = Source()


def source_in(path: Path) -> Source:
    """Return the source in a kept file; empty if the file is missing or unreadable."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        return NOTHING
    shown = text if len(text) <= CHARACTERS_MAX else f"{text[:CHARACTERS_MAX]}\n..."
    return Source(_docstring(text), shown.rstrip())


def _docstring(code: str) -> str:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return inspect.cleandoc(ast.get_docstring(node) or "")
    return ""


__all__ = ["NOTHING", "Source", "source_in"]
