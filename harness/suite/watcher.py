"""Who is told of a run of the suite while it goes on."""

from __future__ import annotations

from typing import Protocol

from harness.history import Entry
from harness.results import Role, RunKey, RunResult
from harness.results.ablation import ProofResult


class Watcher(Protocol):
    """Told of everything at once, and quickly done with it: scenarios wait meanwhile."""

    def progress(self, text: str) -> None:
        """Something that takes long goes on outside of any scenario."""

    def began(self, key: RunKey, role: Role) -> None:
        """A run begins."""

    def saw(self, entry: Entry) -> None:
        """The run's history has grown. Called inside the run."""

    def ended(self, result: RunResult, note: str) -> None:
        """A run is judged. `note` says more of it, or is empty."""

    def proved(self, proof: ProofResult) -> None:
        """A pair of runs is judged."""


class Unwatched:
    """Nobody is told."""

    def progress(self, text: str) -> None:
        """Drop it."""

    def began(self, key: RunKey, role: Role) -> None:
        """Drop it."""

    def saw(self, entry: Entry) -> None:
        """Drop it."""

    def ended(self, result: RunResult, note: str) -> None:
        """Drop it."""

    def proved(self, proof: ProofResult) -> None:
        """Drop it."""
