"""Ends a run early if the service works in no scenario, so that this is reported once instead of per scenario."""

from __future__ import annotations

import threading

from harness.checks import Verdict
from harness.errors import HarnessError, UsageError
from harness.results import RunResult
from harness.target import Target

PATIENCE_RUNS = 3
"""How many first runs may have no service. A single failure may be chance; each may wait for `start_within_s`."""
STEADY_RUNS = 10
"""How many first runs may miss steady state. Each has waited for it for `recovery_s`."""


class FirstRuns:
    """Watches the first runs of the unchanged service, in any lane."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._runs = 0
        self._started = False
        self._steady = False
        self._why = ""

    def look_at(self, result: RunResult) -> None:
        """Take in the result of a run.

        Raises:
            UsageError: the service did not start in any of the first PATIENCE_RUNS runs.
            HarnessError: it started, and did not reach steady state in any of the first STEADY_RUNS runs.

        """
        if result.verdict is Verdict.UNAVAILABLE:
            return
        with self._lock:
            self._started = self._started or not result.never_started
            self._steady = self._steady or not (result.never_started or result.unsteady)
            # A run that did not lack the cores says more than one that did.
            self._why = result.never_steady or self._why
            self._runs += 1
            if not self._started and self._runs >= PATIENCE_RUNS:
                raise self._not_started(result.never_started)
            if not self._steady and self._runs >= STEADY_RUNS:
                raise self._not_steady(self._why or result.never_started or result.reason)

    def _not_started(self, reason: str) -> UsageError:
        count = f"in the first {PATIENCE_RUNS} runs, and the others are left out"
        mend = "start the service by hand, as [service] and the profile have it; then mend them, or the service"
        return UsageError(f"{self._target.path}: {count}: {reason}", hint=mend)

    def _not_steady(self, reason: str) -> HarnessError:
        problem = f"the service reached steady state in none of the first {STEADY_RUNS} runs"
        mend = "run `harness check`, which sends each request once and says what is wrong where"
        return HarnessError(f"{problem}, and the others are left out: {reason}", hint=mend)


__all__ = ["FirstRuns"]
