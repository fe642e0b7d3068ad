"""How a place in somebody's source is named in a message."""

from __future__ import annotations

from pathlib import Path


def shown(file: str) -> str:
    """A file's name as a reader looks for it: from here, where it lies below."""
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


__all__ = ["shown"]
