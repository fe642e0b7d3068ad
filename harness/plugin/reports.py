"""How pytest shows a verdict: failed is a failure, inconclusive an error, unavailable skipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pytest

from harness.checks import Verdict
from harness.plugin.phases import JUDGED
from harness.present.terminal.views.story import story
from harness.results import RunResult


class NotHeldError(Exception):
    """Ends the call phase of a scenario that failed or was inconclusive; its report shows the story."""


class _Writer(Protocol):
    def line(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _Crash:
    message: str


class VerdictRepr:
    """The story of a run instead of a traceback, because the harness's own code does not matter there."""

    def __init__(self, result: RunResult) -> None:
        self._lines = story(result)
        self.reprcrash = _Crash(f"{result.verdict}: {self._lines[0]}")

    def __str__(self) -> str:
        """The whole text, which JUnit shows."""
        return "\n".join(self._lines)

    def toterminal(self, writer: _Writer) -> None:
        """Write it, for pytest."""
        for line in self._lines:
            writer.line(line)


def fit_report(report: pytest.TestReport, result: RunResult, item: pytest.Function) -> None:
    """Make the report of a scenario's call show its verdict."""
    if result.verdict is Verdict.UNAVAILABLE:
        path, line, _ = item.reportinfo()
        report.outcome = "skipped"
        report.longrepr = (str(path), (line or 0) + 1, f"Skipped: unavailable: {result.reason}")
    elif result.verdict is not Verdict.HELD:
        report.outcome = "failed"
        report.longrepr = VerdictRepr(result)  # type: ignore[assignment]  # pytest asks for no more than its methods
    if result.verdict is Verdict.INCONCLUSIVE:
        report.when = JUDGED  # type: ignore[assignment]  # pytest compares it with its own phases, and shows it


def fit_problem(report: pytest.TestReport, problem: str) -> None:
    """Make the report of a test that takes the lab wrongly an error, with any mark."""
    report.outcome = "failed"
    report.longrepr = problem
    if hasattr(report, "wasxfail"):  # pytest's own way of saying that a test was expected to fail
        del report.wasxfail
