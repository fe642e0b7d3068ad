"""What a rule holds on one connection, until it is released."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from harness.relay.connection.lane import Lane
from harness.relay.connection.outlet import Cancel
from harness.relay.control.reports import Passed
from harness.relay.rules.rule_book import ArmedRule, Releasable


class Held(Releasable):
    """Blocks its lanes until it is released. `tell` gets the report of the release just before the bytes pass."""

    __slots__ = ("_armed", "_lanes", "_passed", "_tell", "cancel", "done")

    def __init__(
        self,
        armed: ArmedRule,
        connection: int,
        lanes: Sequence[Lane],
        passed: Callable[[int], Passed],
        tell: Callable[[Passed], None],
    ) -> None:
        super().__init__(connection)
        self._armed = armed
        self._lanes = lanes
        self._passed = passed
        self._tell = tell
        self.cancel: Cancel = lambda: None
        self.done = False
        armed.holds.append(self)
        for lane in lanes:
            lane.block(self)

    def release(self) -> None:
        """Forward what is held and what is queued behind it, as far as no other rule holds that. Idempotent."""
        if self.done:
            return
        self.forget()
        self._tell(self._passed(time.monotonic_ns()))
        for lane in self._lanes:
            lane.drain()

    def forget(self) -> None:
        """Stop holding, and forward nothing."""
        self.done = True
        self.cancel()
        self._armed.holds.remove(self)
        for lane in self._lanes:
            lane.blockers.discard(self)
