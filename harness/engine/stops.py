"""Exceptions that end a scenario early. The history already says why; these only leave the Python code."""

from __future__ import annotations

from harness.history import Recorder
from harness.history.events import ServiceNotStarted
from harness.stack.service.start import ServiceStartError


class ScenarioStop(Exception):  # noqa: N818  # control flow, not an error: the history has what happened
    """The rest of the scenario has no ground to stand on."""


class MachineLacksError(Exception):
    """The machine or the stack cannot bring a fault about."""

    def __init__(self, need: str, reason: str) -> None:
        self.need = need
        self.reason = reason
        super().__init__(f"needs {need}: {reason}")


def not_started(recorder: Recorder, problem: ServiceStartError) -> ScenarioStop:
    """Record that the service did not start; return what ends the scenario."""
    recorder.record("service", ServiceNotStarted(str(problem), problem.waited_s))
    return ScenarioStop()
