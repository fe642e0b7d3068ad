"""The bytes that a rule holds on one connection until it releases them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from harness.relay.connection.flow import Flow
from harness.relay.connection.outlet import Cancel
from harness.relay.control.reports import Passed
from harness.relay.rules.rule_book import ArmedRule, Releasable


class Held(Releasable):
    """Blocks its flows until released. `tell` gets the report of the release just before the bytes pass."""

    __slots__ = ("_armed", "_flows", "_passed", "_tell", "cancel", "done")

    def __init__(
        self,
        armed: ArmedRule,
        connection: int,
        flows: Sequence[Flow],
        passed: Callable[[int], Passed],
        tell: Callable[[Passed], None],
    ) -> None:
        super().__init__(connection)
        self._armed = armed
        self._flows = flows
        self._passed = passed
        self._tell = tell
        self.cancel: Cancel = lambda: None
        self.done = False
        armed.holds.append(self)
        for flow in flows:
            flow.block(self)

    def release(self) -> None:
        """Forward the held bytes and the queue behind them, except what another rule holds. Idempotent."""
        if self.done:
            return
        self.forget()
        self._tell(self._passed(time.monotonic_ns()))
        for flow in self._flows:
            flow.drain()

    def forget(self) -> None:
        """Stop holding, and forward nothing."""
        self.done = True
        self.cancel()
        self._armed.holds.remove(self)
        for flow in self._flows:
            flow.blockers.discard(self)
