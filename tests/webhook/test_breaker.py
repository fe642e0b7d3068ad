from __future__ import annotations

from collections.abc import Callable

import pytest

from webhook.resilience.breaker import Breaker, Era, State


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make() -> tuple[Breaker, Clock, list[State]]:
    clock, seen = Clock(), list[State]()
    return Breaker(failures=3, open_s=1, clock=clock, changed=seen.append), clock, seen


def begin(breaker: Breaker) -> Era:
    era = breaker.allows()
    assert era is not None
    return era


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(begin(breaker))


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker, _, seen = make()
    fail(breaker, 2)
    breaker.succeeded(begin(breaker))
    fail(breaker, 2)
    assert seen == []
    fail(breaker, 1)
    assert seen == [State.OPEN]
    assert breaker.allows() is None


def test_half_open_lets_one_probe_through() -> None:
    breaker, clock, seen = make()
    fail(breaker, 3)
    clock.now = 1.0
    probe = begin(breaker)
    assert breaker.allows() is None
    breaker.succeeded(probe)
    begin(breaker)
    assert seen == [State.OPEN, State.HALF_OPEN, State.CLOSED]


def test_a_failed_probe_opens_it_for_another_while() -> None:
    breaker, clock, _ = make()
    fail(breaker, 3)
    clock.now = 1.0
    fail(breaker, 1)
    clock.now = 1.9
    assert breaker.allows() is None
    clock.now = 2.0
    begin(breaker)


def test_an_abandoned_probe_is_followed_by_another() -> None:
    breaker, clock, _ = make()
    fail(breaker, 3)
    clock.now = 1.0
    breaker.abandoned(begin(breaker))
    begin(breaker)


@pytest.mark.parametrize("report", [Breaker.succeeded, Breaker.failed, Breaker.abandoned])
def test_stragglers_change_nothing(report: Callable[[Breaker, Era], None]) -> None:
    """They began while it was closed, and come back when it is open, half open, or closed again."""
    breaker, clock, seen = make()
    straggler = begin(breaker)
    fail(breaker, 3)
    clock.now = 0.5
    report(breaker, straggler)
    clock.now = 1.0
    probe = begin(breaker)
    report(breaker, straggler)
    assert breaker.allows() is None
    breaker.succeeded(probe)
    fail(breaker, 2)
    report(breaker, straggler)
    assert seen == [State.OPEN, State.HALF_OPEN, State.CLOSED]
    fail(breaker, 1)
    assert seen[3:] == [State.OPEN]
