"""Exceptions that end a scenario early. The history already says why; they only leave the scenario's Python code."""

from __future__ import annotations

from harness.history import Recorder
from harness.history.events import ServiceNotStarted
from harness.stack.service.start import ServiceStartError


class ScenarioStop(Exception):  # noqa: N818  # control flow, not an error: the history has what happened
    """The rest of the scenario cannot be performed."""


class MachineLacksError(Exception):
    """The machine or the stack cannot make this fault."""

    def __init__(self, need: str, reason: str) -> None:
        self.need = need
        self.reason = reason
        super().__init__(f"needs {need}: {reason}")


def not_started(recorder: Recorder, problem: ServiceStartError) -> ScenarioStop:
    """Record that the service did not start; return the exception that ends the scenario."""
    recorder.record("service", ServiceNotStarted(str(problem), problem.waited_s))
    return ScenarioStop()
