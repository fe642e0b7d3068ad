"""The protocol of a watcher: it receives the progress of a run of the suite."""

from __future__ import annotations

from typing import Protocol

from harness.history import Entry
from harness.results import Role, RunKey, RunResult
from harness.results.ablation import ProofResult


class Watcher(Protocol):
    """Receives everything at once. Each method must return quickly, because scenarios wait for it."""

    def progress(self, text: str) -> None:
        """A slow task runs outside of any scenario."""

    def began(self, key: RunKey, role: Role) -> None:
        """Called when a run begins."""

    def saw(self, entry: Entry) -> None:
        """The run's history has grown. Called inside the run."""

    def ended(self, result: RunResult, note: str) -> None:
        """A run is judged. `note` says more about it, or is empty."""

    def proved(self, proof: ProofResult) -> None:
        """A pair of runs is judged."""


class Unwatched:
    """A watcher that ignores everything."""

    def progress(self, text: str) -> None:
        """Ignore a progress note."""

    def began(self, key: RunKey, role: Role) -> None:
        """Ignore the begin of a run."""

    def saw(self, entry: Entry) -> None:
        """Ignore an event of a run."""

    def ended(self, result: RunResult, note: str) -> None:
        """Ignore the end of a run."""

    def proved(self, proof: ProofResult) -> None:
        """Ignore the result of a proof."""
