"""Checks of what is left after a run: connections, tasks, descriptors, the log, figures, the scenario's assertions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from harness.checks.clock import Late, machine_was_busy
from harness.checks.facts.exchanges import exchanges
from harness.checks.leaks import leaked_sessions
from harness.checks.registry import Examined, Kind, check
from harness.history import History
from harness.history.events import AtRest, FigureRead, ScenarioProblem, UnhandledLogged
from harness.vocabulary import ConnectsPeak, LinesLogged, Metric, SendsPerRequest, WithoutWrites

LEAKS = ("checked_out", "tasks", "descriptors")
CONNECTIONS = ("connections", "busy connections")
COUNTED = (LinesLogged, Metric, SendsPerRequest, WithoutWrites)
"""Figures that a busy machine can raise: a request that meets a time-out is logged, counted and tried again.

A peak of connects is not among them: a busy machine spreads the connects, so the peak gets lower.
"""
WAITED_AT_LEAST_MS = 500
"""Two runs at once, as in CI, wait for cores for some tenths of a second: that excuses nothing."""
FOR_EACH_MS = 100
"""A wait for cores of this length explains one more than the limit."""


def _at_rest(history: History, what: Sequence[str]) -> Examined:
    placed = [(at.t_ns, rest) for at, rest in history.placed(AtRest) if rest.what in what]
    over = [(t_ns, rest) for t_ns, rest in placed if not rest.seen <= rest.at_most]
    return Examined(
        problem="; ".join(f"{rest.name} stay at {rest.seen:g}, at most {rest.at_most:g}" for _, rest in over),
        saw="; ".join(f"{rest.name} {rest.seen:g}, at most {rest.at_most:g}" for _, rest in placed),
        observations=len(placed),
        clock=_waited_for(over),
    )


def _waited_for(over: Sequence[tuple[int, AtRest]]) -> tuple[Late, ...]:
    """Return the time that each number had to return to its limit; none if one of them never returns by itself."""
    if not all(rest.waited_s for _, rest in over):
        return ()
    return tuple(Late((t_ns - round(rest.waited_s * 1e9), t_ns)) for t_ns, rest in over)


@check(Kind.REST)
def pool_returns(history: History) -> Examined:
    """The service's connections return to their limit, and none is left busy, by the server's own count.

    A session that held a lock for longer than a request may take counts as not returned.
    """
    found = _at_rest(history, CONNECTIONS)
    leaked = [leaked.told for leaked, other in leaked_sessions(history) if other is None]
    if not leaked:
        return found
    problem = "; ".join([*leaked, *filter(None, [found.problem])])
    return replace(found, problem=problem, observations=found.observations + len(leaked), clock=())


@check(Kind.REST)
def no_leaks(history: History) -> Examined:
    """Nothing is left checked out, and tasks and descriptors return to what they were, by its own probes."""
    return _at_rest(history, LEAKS)


@check(Kind.REST)
def leaves_nothing(history: History) -> Examined:
    """Nothing stays on the servers beyond what the target allows: keys without expiry, prepared transactions, locks."""
    known = {*LEAKS, *CONNECTIONS}
    found = _at_rest(history, [rest.what for rest in history.of(AtRest) if rest.what not in known])
    return found if found.observations else replace(found, saw="the target sets no such limit")


@check(Kind.LIVENESS)
def log_clean(history: History) -> Examined:
    """The service's own log shows no unhandled exception."""
    lines = [" ".join(filter(None, (found.line, found.ends_with))) for found in history.of(UnhandledLogged)]
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return Examined(
        problem=f"{lines[0]}{more}" if lines else "",
        saw=f"{len(lines)} {'line' if len(lines) == 1 else 'lines'} of an unhandled exception",
        observations=1,  # the log as a whole
    )


@check(Kind.REST)
def figure(history: History) -> Examined:
    """The scenario's figures are within their limits."""
    read = list(history.of(FigureRead))
    beyond = [(at.t_ns, each) for at, each in history.placed(FigureRead) if _beyond(each)]
    return Examined(
        problem="; ".join(_beyond(each) for _, each in beyond),
        saw="; ".join(f"{each.figure!r} {each.seen:g}{_limits(each)}{_where(each)}" for each in read)
        or "no figure is limited",
        observations=len(read),
        firm=False,
        clock=_counted_too_often(history, beyond),
        blurred=next(filter(None, (_spread(history, at.t_ns, each) for at, each in history.placed(FigureRead))), ""),
    )


def _spread(history: History, read_ns: int, read: FigureRead) -> str:
    """Say why a peak of connects may be too low: connects that waited for a core came later than the others."""
    began_ns = min((e.span[0] for e in exchanges(history) if e.judged), default=read_ns)
    if not isinstance(read.figure, ConnectsPeak) or read.at_most is None:
        return ""
    busy = machine_was_busy(history, Late((int(began_ns), read_ns), read.figure.within_ms, for_clients=False))
    return f"{busy}, which spreads what would come at once: {read.figure!r} was {read.seen:g}" if busy else ""


def _counted_too_often(history: History, beyond: Sequence[tuple[int, FigureRead]]) -> tuple[Late, ...]:
    """The time in which each figure grew, and the wait for cores that would explain its excess."""
    began_ns = min((e.span[0] for e in exchanges(history) if e.judged), default=math.inf)
    too_high = [(t_ns, _too_high(each)) for t_ns, each in beyond]
    if not all(by > 0 and began_ns < t_ns for t_ns, by in too_high):
        return ()
    return tuple(
        Late((int(began_ns), t_ns), max(WAITED_AT_LEAST_MS, FOR_EACH_MS * by), for_clients=False)
        for t_ns, by in too_high
    )


def _too_high(read: FigureRead) -> float:
    """By how much the count exceeds its limit; 0 for a figure that a busy machine cannot raise."""
    if not isinstance(read.figure, COUNTED) or read.at_most is None or not math.isfinite(read.seen):
        return 0.0
    return max(0.0, read.seen - read.at_most)


def _beyond(read: FigureRead) -> str:
    # Not `seen > at_most`: a metric that is NaN must fail its limit.
    if read.at_most is not None and not read.seen <= read.at_most:
        return f"{read.figure!r} was {read.seen:g}{_where(read)}, at most {read.at_most:g}"
    if read.at_least is not None and not read.seen >= read.at_least:
        return f"{read.figure!r} was {read.seen:g}{_where(read)}, at least {read.at_least:g}"
    return ""


def _where(read: FigureRead) -> str:
    return " in its block" if read.block else ""


def _limits(read: FigureRead) -> str:
    limits = (("at least", read.at_least), ("at most", read.at_most))
    return "".join(f", {word} {limit:g}" for word, limit in limits if limit is not None)


@check(Kind.LIVENESS)
def assertion(history: History) -> Examined:
    """No assertion of the scenario's own Python failed."""
    problems = [problem.text for problem in history.of(ScenarioProblem) if not problem.wrong]
    count = len(problems)
    return Examined(
        problem="; ".join(problems),
        saw=f"{count} {'objection' if count == 1 else 'objections'} raised by the scenario",
        observations=1,  # the scenario as a whole
        firm=False,
    )
