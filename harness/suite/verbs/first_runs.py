"""Ends a run early if the service does not start at all, so that this is reported once instead of per scenario."""

from __future__ import annotations

import threading

from harness.checks import Verdict
from harness.errors import UsageError
from harness.results import RunResult
from harness.target import Target

PATIENCE_RUNS = 3
"""How many first runs may have no service. A single failure may be chance; each may wait for `start_within_s`."""


class FirstRuns:
    """Watches the first runs of the unchanged service, in any lane."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._runs = 0
        self._started = False

    def look_at(self, result: RunResult) -> None:
        """Raise UsageError if the service did not start in any of the first PATIENCE_RUNS runs."""
        if result.verdict is Verdict.UNAVAILABLE:
            return
        with self._lock:
            self._started = self._started or not result.never_started
            self._runs += 1
            if self._started or self._runs < PATIENCE_RUNS:
                return
        count = f"in the first {PATIENCE_RUNS} runs, and the others are left out"
        mend = "start the service by hand, as [service] and the profile have it; then mend them, or the service"
        raise UsageError(f"{self._target.path}: {count}: {result.never_started}", hint=mend)


__all__ = ["FirstRuns"]
