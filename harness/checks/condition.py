"""What state the service is in: alive, quiet in its log, at rest once nothing is asked of it."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checks.verdict import CheckResult
from harness.history import History
from harness.history.events import (
    AtRest,
    FigureRead,
    ScenarioProblem,
    ServiceEnded,
    ServiceNotStarted,
    UnhandledLogged,
)

LEAKS = ("checked_out", "tasks", "descriptors")
CONNECTIONS = ("connections", "busy connections")
TERMINATED = "SIGTERM"


def alive(history: History) -> CheckResult:
    """The service ends only when it is told to, and comes up when it is told to."""
    died = [f"ended by itself with status {end.status}" for end in history.of(ServiceEnded) if not end.asked_by]
    silent = [start.reason for start in history.of(ServiceNotStarted)]
    reasons = [*died, *silent]
    return CheckResult("alive", bool(reasons), "; ".join(reasons))


def log_clean(history: History) -> CheckResult:
    """No exception went unhandled, by the service's own log."""
    lines = [found.line for found in history.of(UnhandledLogged)]
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return CheckResult("log_clean", bool(lines), f"{lines[0]}{more}" if lines else "")


def drains(history: History) -> CheckResult:
    """Told to end by SIGTERM, the service ends by itself with status 0."""
    bad = [end.status for end in history.of(ServiceEnded) if end.asked_by == TERMINATED and end.status != 0]
    return CheckResult("drains", bool(bad), f"ended with status {bad[0]} after SIGTERM" if bad else "")


def _not_at_rest(history: History, what: Sequence[str]) -> str:
    over = [rest for rest in history.of(AtRest) if rest.what in what and not rest.seen <= rest.at_most]
    return "; ".join(f"{rest.name} stay at {rest.seen:g}, at most {rest.at_most:g}" for rest in over)


def pool_returns(history: History) -> CheckResult:
    """The service's connections return to their limit, and none is left busy, by the server's own count."""
    reason = _not_at_rest(history, CONNECTIONS)
    return CheckResult("pool_returns", bool(reason), reason)


def no_leaks(history: History) -> CheckResult:
    """Nothing is left checked out, and tasks and descriptors return to what they were, by its own probes."""
    reason = _not_at_rest(history, LEAKS)
    return CheckResult("no_leaks", bool(reason), reason)


def figure(history: History) -> CheckResult:
    """The figures that the scenario limits are within their limits."""
    reasons = [reason for read in history.of(FigureRead) if (reason := _beyond(read))]
    return CheckResult("figure", bool(reasons), "; ".join(reasons))


def _beyond(read: FigureRead) -> str:
    # Not `seen > at_most`: a metric that is no number meets no limit.
    if read.at_most is not None and not read.seen <= read.at_most:
        return f"{read.figure!r} was {read.seen:g}, at most {read.at_most:g}"
    if read.at_least is not None and not read.seen >= read.at_least:
        return f"{read.figure!r} was {read.seen:g}, at least {read.at_least:g}"
    return ""


def assertion(history: History) -> CheckResult:
    """The scenario's own Python had nothing to object."""
    problems = [problem.text for problem in history.of(ScenarioProblem) if not problem.wrong]
    return CheckResult("assertion", bool(problems), "; ".join(problems))
