"""Names places in source files for messages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


def shown(file: str) -> str:
    """Return a file's name for a reader: relative to the current folder if it is below."""
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


@dataclass(frozen=True, slots=True)
class Location:
    """A line of a file, or a whole file. `line`: from 1; None: the whole."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        """`scenarios/pool.py:12`."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


NOWHERE = Location("")
"""The place of a definition outside of any file."""

__all__ = ["NOWHERE", "Location", "shown"]
