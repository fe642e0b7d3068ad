"""A circuit breaker: after some failures in a row it allows no attempt for a while, then one.

Not purgatory (3.0.1): its half-open state lets every waiting request through instead of one probe, it measures the
pause with the wall clock, and while open it raises the same exception object again and again, whose traceback grows
with each request (`OpenedState` is both state and exception).
"""

import enum
from collections.abc import Callable
from typing import NewType

Era = NewType("Era", int)
"""The time between two changes of state, by number."""


class State(enum.IntEnum):
    """The value of `webhook_breaker_state`."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Opens after `failures` in a row, for `open_s` by `clock`; then lets one probe through.

    A report counts only in the era in which its attempt began. An attempt from before the breaker opened may end during
    the probe, or after it, and says nothing about either.
    """

    def __init__(
        self, *, failures: int, open_s: float, clock: Callable[[], float], changed: Callable[[State], None]
    ) -> None:
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._changed = changed
        self._failures = 0
        self._opened_at = 0.0
        self._era = Era(0)
        self.state = State.CLOSED

    def allows(self) -> Era | None:
        """Ask before an attempt. None forbids it; a caller that gets an era must report the result with it."""
        if self.state is State.CLOSED:
            return self._era
        if self.state is State.HALF_OPEN or self._clock() - self._opened_at < self._open_s:
            return None
        # In this era only the probe is on the way.
        self._become(State.HALF_OPEN)
        return self._era

    def succeeded(self, began: Era) -> None:
        """Report a success: closed, and counting from nothing."""
        if began != self._era:
            return
        self._failures = 0
        if self.state is State.HALF_OPEN:
            self._become(State.CLOSED)

    def failed(self, began: Era) -> None:
        """Report a failure."""
        if began != self._era:
            return
        self._failures += 1
        if self.state is State.HALF_OPEN or self._failures >= self._limit:
            self._opened_at = self._clock()
            self._become(State.OPEN)

    def abandoned(self, began: Era) -> None:
        """Report that the caller gave up the attempt for its own reasons: a probe must not stay out for ever."""
        if began == self._era and self.state is State.HALF_OPEN:
            self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self._era = Era(self._era + 1)
        self.state = state
        self._changed(state)
