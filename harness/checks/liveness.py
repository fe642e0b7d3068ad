"""What the clients are owed: an answer, the right one, in time.

A failure of these counts only where the fault left evidence.
"""

from __future__ import annotations

import math

from harness.checks.exchanges import exchanges, several
from harness.checks.verdict import CheckResult
from harness.history import History
from harness.history.events import Healthy, MomentMissed, NotRecovered, NotSteady, Purpose, Recovered, RunBegan
from harness.vocabulary import ACKNOWLEDGED


def outcome(history: History) -> CheckResult:
    """Each request of the scenario's ended as its step expects."""
    judged = [e for e in exchanges(history) if e.judged]
    wrong = [e for e in judged if e.sent.expected is not None and e.outcome not in e.sent.expected]
    stories = [f"{e.sent.delivery}: expected {e.sent.expected}, got {e.story()}" for e in wrong]
    return CheckResult("outcome", bool(wrong), several(stories, len(judged)) if stories else "")


def in_time(history: History) -> CheckResult:
    """Each request has ended within the service's own deadline, whatever its purpose."""
    began = history.last(RunBegan)
    deadline_ms = began.deadline_ms if began else math.inf
    sent = exchanges(history)
    late = [e for e in sent if e.ended is None or e.ended.took_ms > deadline_ms]
    stories = [f"{e.sent.delivery}: {e.story()} (limit {deadline_ms / 1e3:g} s)" for e in late]
    return CheckResult("in_time", bool(late), several(stories, len(sent)) if stories else "")


def slower(history: History) -> CheckResult:
    """No answer took longer than this run's healthy answer by more than its step allows."""
    healthy = history.last(Healthy)
    healthy_ms = healthy.median_ms if healthy else 0.0
    limited = [e for e in exchanges(history) if e.sent.slower_ms_max is not None and e.ended is not None]
    slow = [e for e in limited if e.ended and e.ended.took_ms > healthy_ms + (e.sent.slower_ms_max or 0)]
    stories = [
        f"{e.sent.delivery}: took {e.ended.took_ms / 1e3:.2f} s{e.waiting()}"
        f" (healthy {healthy_ms:.1f} ms, at most {e.sent.slower_ms_max:g} ms more)"
        for e in slow
        if e.ended
    ]
    return CheckResult("slower", bool(slow), several(stories, len(limited)) if stories else "")


def reached(history: History) -> CheckResult:
    """What the scenario claims of the service has come about."""
    missed = [moment for moment in history.of(MomentMissed) if moment.claim]
    reason = f"{missed[0].moment} not reached in {missed[0].within_s:g} s: {missed[0].detail}" if missed else ""
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
    stories = [f"{e.sent.delivery}, sent again: {e.story()}" for e in again if e.outcome != ACKNOWLEDGED]
    return CheckResult("recovers", bool(stories), several(stories, len(again)) if stories else "")
