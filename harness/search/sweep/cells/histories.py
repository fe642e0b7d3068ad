"""The histories of cells: shown as a story, and kept in one file per lane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from harness.history import Entry, History

STORY_LINES = 30
"""How much is shown at either end of a story."""


def story(history: History) -> Sequence[str]:
    """Return one readable line per event: when (ms), who, and what."""
    entries = history.entries
    began = entries[0].t_ns if entries else 0
    lines = [f"{(each.t_ns - began) / 1e6:9.1f} ms  {each.lane:8} {each.event!r}" for each in entries]
    left_out = len(lines) - 2 * STORY_LINES
    if left_out <= 0:
        return lines
    return [*lines[:STORY_LINES], f"... {left_out} more, in the file ...", *lines[-STORY_LINES:]]


class HistoryFile:
    """The histories of all cells of a lane, one after the other, in one file that `read_history` reads."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._lines = 0

    def write(self, history: History) -> tuple[int, int]:
        """Append the history of a cell; return its first and last line, from 1."""
        first = self._lines + 1
        for entry in history.entries:
            self._file.write(Entry(self._lines, entry.t_ns, entry.lane, entry.event).line() + "\n")
            self._lines += 1
        self._file.flush()
        return first, self._lines
