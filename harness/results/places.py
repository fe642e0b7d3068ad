"""Names places in source files for messages."""

from __future__ import annotations

from pathlib import Path


def shown(file: str) -> str:
    """Return a file's name for a reader: relative to the current folder if it is below."""
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


__all__ = ["shown"]
