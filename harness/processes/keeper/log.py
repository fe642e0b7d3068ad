"""Reads a process's log while the process writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TAIL_BYTES_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class LogFile:
    """A process's standard output and error. A log that has not begun yet is empty."""

    path: Path

    def size(self) -> int:
        """Its present size in bytes: a mark for `read`."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def read(self, since: int = 0, until: int | None = None) -> str:
        """Return the text from one mark on, up to the other if there is one. Invalid UTF-8 becomes U+FFFD."""
        try:
            with self.path.open("rb") as file:
                file.seek(since)
                return file.read(-1 if until is None else until - since).decode(errors="replace")
        except FileNotFoundError:
            return ""

    def tail(self, lines: int = 20, since: int = 0) -> str:
        """Return the last lines from a mark on, of the last 256 KiB at most."""
        if lines <= 0:
            return ""
        text = self.read(max(since, self.size() - TAIL_BYTES_MAX))
        return "\n".join(text.splitlines()[-lines:])
