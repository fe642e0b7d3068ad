"""Requests arrive at their times whatever became of earlier ones, and their clients hang up and try again."""

from __future__ import annotations

from itertools import pairwise

import pytest

from harness import ACKNOWLEDGED, Lab, process
from harness.checks import Verdict
from harness.checks.exchanges import exchanges
from harness.history.events import CapacityMeasured, LoadBegan, LoadEnded
from tests.scenario_live.support import Runs, history_of


def test_a_service_that_stands_still_holds_up_no_arrival(runs: Runs) -> None:
    """Twenty arrive while it is stopped: each hangs up and tries again. Then it carries a share of its capacity."""
    seen: list[str] = []

    async def play(lab: Lab) -> None:
        async with lab.inject(process.pause()):
            await lab.arrivals(rate_per_s=40, for_s=0.5, patience_ms=150, retries=1)
        await lab.capacity(clients=4, for_s=0.2)
        answers = await lab.arrivals(of_capacity=0.2, for_s=0.5, patience_ms=3_000)
        seen.extend(str(answer.outcome) for answer in answers)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    history = history_of(result)
    first, second = history.of(LoadBegan)
    assert [ended.arrived for ended in history.of(LoadEnded)] == [20, len(seen)]
    assert set(seen) == {str(ACKNOWLEDGED)}
    (measured,) = history.of(CapacityMeasured)
    assert second.per_s == pytest.approx(measured.per_s * 0.2, abs=0.01)
    stopped = [e for e in exchanges(history) if e.sent.load == first.load]
    assert [sorted(e.sent.attempt for e in stopped).count(attempt) for attempt in (1, 2)] == [20, 20]
    assert all(e.lost_patience for e in stopped)
    times = sorted(e.span[0] for e in stopped if e.sent.attempt == 1)
    # As even as a busy machine lets them be: half of a second in all, though none was answered.
    assert times[-1] - times[0] > 0.4e9
    assert sum(later - earlier for earlier, later in pairwise(times)) / 19 == pytest.approx(25e6, rel=0.3)
