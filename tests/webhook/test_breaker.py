from __future__ import annotations

from webhook.breaker import Breaker, State


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make() -> tuple[Breaker, Clock, list[State]]:
    clock, seen = Clock(), list[State]()
    return Breaker(failures=3, open_s=1, clock=clock, changed=seen.append), clock, seen


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.allows()
        breaker.failed()


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker, _, seen = make()
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert seen == []
    fail(breaker, 1)
    assert seen == [State.OPEN]
    assert not breaker.allows()


def test_half_open_lets_one_probe_through() -> None:
    breaker, clock, seen = make()
    fail(breaker, 3)
    clock.now = 1.0
    assert breaker.allows()
    assert not breaker.allows()
    breaker.succeeded()
    assert breaker.allows()
    assert seen == [State.OPEN, State.HALF_OPEN, State.CLOSED]


def test_a_failed_probe_opens_it_for_another_while() -> None:
    breaker, clock, _ = make()
    fail(breaker, 3)
    clock.now = 1.0
    fail(breaker, 1)
    clock.now = 1.9
    assert not breaker.allows()
    clock.now = 2.0
    assert breaker.allows()


def test_an_abandoned_probe_is_followed_by_another() -> None:
    breaker, clock, _ = make()
    fail(breaker, 3)
    clock.now = 1.0
    assert breaker.allows()
    breaker.abandoned()
    assert breaker.allows()


def test_stragglers_neither_close_nor_prolong_it() -> None:
    """They began while it was closed, and come back when it is open."""
    breaker, clock, _ = make()
    fail(breaker, 3)
    breaker.succeeded()
    assert not breaker.allows()
    clock.now = 0.5
    breaker.failed()
    clock.now = 1.0
    assert breaker.allows()
