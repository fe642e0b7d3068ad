"""A circuit breaker: after some failures in a row nobody tries for a while, then one does.

Not purgatory (3.0.1): its half-open state lets every waiting request through where one probe is meant, it measures
the pause with the wall clock, and while open it raises one and the same exception object again and again, whose
traceback grows with each request (`OpenedState` is both state and exception).
"""

import enum
from collections.abc import Callable


class State(enum.IntEnum):
    """As `webhook_breaker_state` shows it."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Opens after `failures` in a row, for `open_s` by `clock`; then lets one probe through."""

    def __init__(
        self, *, failures: int, open_s: float, clock: Callable[[], float], changed: Callable[[State], None]
    ) -> None:
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._changed = changed
        self._failures = 0
        self._opened_at = 0.0
        self.state = State.CLOSED

    def allows(self) -> bool:
        """Ask before trying; whoever gets True must report how it went."""
        if self.state is State.CLOSED:
            return True
        if self.state is State.HALF_OPEN or self._clock() - self._opened_at < self._open_s:
            return False
        self._become(State.HALF_OPEN)
        return True

    def succeeded(self) -> None:
        """Report a success: closed, and counting from nothing."""
        self._failures = 0
        # Who began before it opened may come back well after; only the probe closes it.
        if self.state is State.HALF_OPEN:
            self._become(State.CLOSED)

    def failed(self) -> None:
        """Report a failure."""
        self._failures += 1
        if self.state is State.HALF_OPEN or (self.state is State.CLOSED and self._failures >= self._limit):
            self._opened_at = self._clock()
            self._become(State.OPEN)

    def abandoned(self) -> None:
        """Report that the attempt was given up for a reason of the caller's own: a probe does not stay out for ever."""
        if self.state is State.HALF_OPEN:
            self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self.state = state
        self._changed(state)
