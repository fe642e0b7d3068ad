"""The interface through which a session writes its pages and CI reports. The session does not know their formats."""

from __future__ import annotations

from typing import Protocol

from harness.results.folder import ResultsFolder
from harness.results.summary import Summary


class Publisher(Protocol):
    """Writes what people and CI services read, beside `summary.json`. Each method may raise OSError."""

    def judged(self, summary: Summary, folder: ResultsFolder) -> None:
        """The session has an exit status, and `summary.json` was written. May be called again with another status."""

    def ended(self, folder: ResultsFolder) -> str:
        """Publish a session that has ended; its folder no longer changes. Return what could not be written."""


class Unpublished:
    """A publisher that writes no report."""

    def judged(self, summary: Summary, folder: ResultsFolder) -> None:
        """Do nothing: there is no report."""

    def ended(self, folder: ResultsFolder) -> str:
        """Do nothing: there is no report."""
        del folder
        return ""
