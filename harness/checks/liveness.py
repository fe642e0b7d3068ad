"""What the clients are owed: an answer, the right one, in time.

A failure of these counts only where the fault left evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.checks.exchanges import Exchange, exchanges, several
from harness.checks.verdict import CheckResult
from harness.history import History
from harness.history.events import Healthy, MomentMissed, NotRecovered, NotSteady, Purpose, Recovered, RunBegan
from harness.vocabulary import ACKNOWLEDGED


def outcome(history: History) -> CheckResult:
    """Each request of the scenario's ended as its step expects."""
    judged = [e for e in exchanges(history) if e.judged]
    wrong = [e for e in judged if e.sent.expected is not None and e.outcome not in e.sent.expected]
    stories = [f"{e.name}: expected {e.sent.expected}, got {e.story()}" for e in wrong]
    return _of_exchanges("outcome", wrong, stories, of=len(judged))


def in_time(history: History) -> CheckResult:
    """Each request has ended within the service's own deadline, whatever its purpose."""
    began = history.last(RunBegan)
    deadline_ms = began.deadline_ms if began else math.inf
    sent = exchanges(history)
    late = [e for e in sent if e.ended is None or e.ended.took_ms > deadline_ms]
    stories = [f"{e.name}: {e.story()} (limit {deadline_ms / 1e3:g} s)" for e in late]
    return _of_exchanges("in_time", late, stories, of=len(sent))


def slower(history: History) -> CheckResult:
    """No answer took longer than this run's healthy answer by more than its step allows."""
    healthy = history.last(Healthy)
    healthy_ms = healthy.median_ms if healthy else 0.0
    limited = [e for e in exchanges(history) if e.sent.slower_ms_max is not None and e.ended is not None]
    slow = [e for e in limited if e.ended and e.ended.took_ms > healthy_ms + (e.sent.slower_ms_max or 0)]
    stories = [
        f"{e.name}: took {e.ended.took_ms / 1e3:.2f} s{e.waiting()}"
        f" (healthy {healthy_ms:.1f} ms, at most {e.sent.slower_ms_max:g} ms more)"
        for e in slow
        if e.ended
    ]
    return _of_exchanges("slower", slow, stories, of=len(limited))


def reached(history: History) -> CheckResult:
    """What the scenario claims of the service has come about."""
    missed = [moment for moment in history.of(MomentMissed) if moment.claim]
    reason = f"{missed[0].moment!r} not reached in {missed[0].within_s:g} s: {missed[0].detail}" if missed else ""
    return CheckResult("reached", bool(missed), reason)


def recovers(history: History) -> CheckResult:
    """After the last heal the service acknowledges again, and goes on to; so is what had been left unknown."""
    missed = history.last(NotRecovered)
    if missed is not None:
        return CheckResult(
            "recovers", True, f"nothing acknowledged {missed.within_s:g} s after healing: {missed.reason}"
        )
    relapse = history.last(NotSteady)
    if relapse is not None and history.last(Recovered) is not None:
        return CheckResult("recovers", True, f"acknowledged once after healing, but not steadily: {relapse.reason}")
    again = [e for e in exchanges(history) if e.sent.purpose == Purpose.AGAIN]
    wrong = [e for e in again if e.outcome != ACKNOWLEDGED]
    stories = [f"{e.name}, sent again: {e.story()}" for e in wrong]
    return _of_exchanges("recovers", wrong, stories, of=len(again))


def _of_exchanges(name: str, bad: Sequence[Exchange], stories: Sequence[str], *, of: int) -> CheckResult:
    """Return the result of a check of `of` exchanges; `stories`: one for each bad one."""
    deliveries = tuple(dict.fromkeys(e.sent.delivery for e in bad))
    return CheckResult(name, bool(bad), several(stories, of) if bad else "", deliveries=deliveries)
