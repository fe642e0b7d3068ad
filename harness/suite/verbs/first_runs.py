"""Ends a run early when the service does not start at all: that is reported once, not once for each scenario."""

from __future__ import annotations

import threading

from harness.checks import Verdict
from harness.errors import UsageError
from harness.results import RunResult
from harness.target import Target

PATIENCE_RUNS = 3
"""So many first runs may be without a service. One may have had bad luck; each may wait for `start_within_s`."""


class FirstRuns:
    """Looks at the first runs of the service as it is; those of any lane."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._runs = 0
        self._started = False

    def look_at(self, result: RunResult) -> None:
        """Raise UsageError where there was no service in all of the first PATIENCE_RUNS."""
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
