"""What makes pages and CI reports of a session: known to it as a protocol only, since looks are not its business."""

from __future__ import annotations

from typing import Protocol

from harness.results.folder import ResultsFolder
from harness.results.summary import Summary


class Publisher(Protocol):
    """Writes what people and CI services read, beside `summary.json`. Each method may raise OSError."""

    def judged(self, summary: Summary, folder: ResultsFolder) -> None:
        """The session has an exit status, and `summary.json` was written. May be called again with another status."""

    def ended(self, folder: ResultsFolder) -> str:
        """The session is over, however it ended; nothing in its folder changes any more. Say what could not be made."""


class Unpublished:
    """Writes nothing."""

    def judged(self, summary: Summary, folder: ResultsFolder) -> None:
        """Write nothing."""

    def ended(self, folder: ResultsFolder) -> str:
        """Write nothing."""
        del folder
        return ""
