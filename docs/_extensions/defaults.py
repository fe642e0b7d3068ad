"""Has sphinx-click tell an option's default as it would be typed, not as Python writes it."""

from __future__ import annotations

import re

import click
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

WRITTEN_BY_PYTHON = re.compile(r"``(?:PosixPath\()?'([^']*)'\)?``")


def _as_typed(_app: Sphinx, _context: click.Context, lines: list[str]) -> None:
    lines[:] = [WRITTEN_BY_PYTHON.sub(r"``\1``", line) for line in lines]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Tell Sphinx."""
    app.setup_extension("sphinx_click")
    app.connect("sphinx-click-process-options", _as_typed)
    return {"parallel_read_safe": True}
