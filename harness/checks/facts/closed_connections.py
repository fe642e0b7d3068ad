"""Finds connections that a service closed after another request's error.

A service may end a connection for many reasons: it keeps fewer, they have been idle for too long, the server seems to
be away. So a connection counts only if the service had kept it at rest, ended it soon after the error or replaced it by
a new one, had not left it idle for long, and if nothing pointed at the server or the line at that time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.checks.clock import Span
from harness.history.events import ConnectionUsed

NO_ERRORS: Mapping[int, int] = {}
KEPT_MS = 50.0
"""A connection that was idle for this long counts as kept. Others are closed when they return to the pool."""
USED_AGAIN_MS = 10.0
"""A service that has used no connection again after this long keeps none for others: each of them was old anyway."""
IDLE_MS = 5_000.0
"""From this time on a service may consider an idle connection too old, if it has used none that was idle as long."""
AGE_MS = 30_000.0
"""From this age on a service may consider a connection too old."""
SOON_NS = 200_000_000
REPLACED_NS = 100_000_000
CAUSE_NS = 1_000_000_000
"""A sign that the server is away explains connections that the service ends up to a second later."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one error cost. `gone`: connections of others that the service closed. `kept`: how many it used again."""

    gone: tuple[ConnectionUsed, ...]
    kept: int

    @property
    def too_much(self) -> bool:
        """Whether there were at least two, and whether they were the majority."""
        return len(self.gone) > 1 and len(self.gone) > self.kept


def cost_of(
    t_ns: int,
    connection: int,
    connections: Sequence[ConnectionUsed],
    causes: Sequence[int],
    ends: Sequence[Span],
    erred: Mapping[int, int] = NO_ERRORS,
) -> Cost:
    """Return what an error on that connection cost. Connection 0: the error was on none.

    `causes`: when something pointed at the server or the line, which explains everything that follows. `ends`: when
    processes of the service were ending. `erred`: when each connection met its last error. A connection whose last use
    met an error was closed for its own error.
    """
    if any(t_ns - CAUSE_NS <= cause <= t_ns for cause in causes):
        return Cost((), 0)
    if not any(each.idle_max_ms >= USED_AGAIN_MS for each in connections):
        return Cost((), 0)
    horizon_ns = min((when for when in (*causes, *(began for began, _ in ends)) if when > t_ns), default=None)
    others = [each for each in connections if each.number != connection and each.uses and each.opened_ns < t_ns]
    idle_ms = max([IDLE_MS, *(each.idle_max_ms for each in connections)])
    gone = [
        each
        for each in others
        if each.let_go
        and erred.get(each.number, 0) < each.used_from_ns
        and each.used_until_ns <= t_ns < each.ended_ns
        and each.used_from_ns <= t_ns
        and (horizon_ns is None or each.ended_ns < horizon_ns)
        and not any(began <= each.ended_ns <= ended for began, ended in ends)
        and _was_kept(each)
        and _idle_ms(each) < idle_ms
        and (each.ended_ns - each.opened_ns) / 1e6 < AGE_MS
        and (each.ended_ns - t_ns <= SOON_NS or _replaced(each, connections))
    ]
    return Cost(tuple(gone), sum(each.used_from_ns > t_ns for each in others))


def _was_kept(each: ConnectionUsed) -> bool:
    return max(each.idle_max_ms, _idle_ms(each)) >= KEPT_MS


def _idle_ms(each: ConnectionUsed) -> float:
    return (each.ended_ns - each.used_until_ns) / 1e6


def _replaced(gone: ConnectionUsed, connections: Sequence[ConnectionUsed]) -> bool:
    return any(abs(each.opened_ns - gone.ended_ns) <= REPLACED_NS for each in connections if each is not gone)
