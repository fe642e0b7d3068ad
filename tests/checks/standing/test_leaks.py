"""A session that the service leaked is its own failure, unless another fault was in force that may have kept it."""

from __future__ import annotations

import pytest

from harness import postgres
from harness.checks.leaks import leaked_sessions
from harness.faults import Fault, link, no_fault, server
from harness.history.events import Event, FaultActed, FaultHealed, Named, SessionLeaked
from tests.checks.support import DOWN, Story

HELD = server.lock(postgres, "deliveries")
LEAKED = SessionLeaked("postgres", 7, "idle in transaction", "SELECT 1", 5.0, HELD)
SLOW = link.latency(postgres, latency_ms=1)


@pytest.mark.parametrize(
    ("before", "other"),
    [
        ([], None),
        ([FaultActed(1, HELD)], None),
        ([FaultActed(1, HELD), FaultActed(2, no_fault)], None),
        ([FaultActed(1, SLOW), FaultActed(2, HELD)], SLOW),
        ([FaultActed(1, SLOW), FaultHealed(1), FaultActed(2, HELD)], None),
        ([FaultActed(1, SLOW), FaultActed(2, DOWN), FaultHealed(1)], DOWN),
        ([FaultActed(1, Named("cut at COMMIT"))], Named("cut at COMMIT")),
    ],
    ids=["alone", "itself", "no fault", "another", "healed", "one healed", "a point"],
)
def test_whose_it_is(before: list[Event], other: Fault | None) -> None:
    history = Story().tell(*before, LEAKED, FaultActed(9, DOWN)).recorder.history
    assert list(leaked_sessions(history)) == [(LEAKED, other)]
