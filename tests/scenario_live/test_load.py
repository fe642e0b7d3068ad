"""Requests arrive at their times whatever became of earlier ones, and their clients hang up and try again."""

from __future__ import annotations

import pytest

from harness import ACKNOWLEDGED, Lab, process
from harness.checks import Verdict
from harness.checks.facts.exchanges import exchanges
from harness.history.events import CapacityMeasured, LoadBegan, LoadEnded
from tests.scenario_live.support import Runs, history_of


def test_a_service_that_stands_still_holds_up_no_arrival(runs: Runs) -> None:
    """It carries a share of its capacity. Then twenty arrive while it is stopped: each hangs up and tries again.

    The stop comes last: the service sheds what comes while it still works off what piled up in it.
    """
    seen: list[str] = []

    async def play(lab: Lab) -> None:
        await lab.capacity(clients=4)
        answers = await lab.arrivals(of_capacity=0.2, for_s=0.5, patience_ms=3_000)
        seen.extend(str(answer.outcome) for answer in answers)
        async with lab.inject(process.pause()):
            await lab.arrivals(rate_per_s=40, for_s=0.5, patience_ms=150, retries=1)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    history = history_of(result)
    first, second = history.of(LoadBegan)
    assert [ended.arrived for ended in history.of(LoadEnded)] == [len(seen), 20]
    assert set(seen) == {str(ACKNOWLEDGED)}
    (measured,) = history.of(CapacityMeasured)
    assert first.per_s == pytest.approx(measured.per_s * 0.2, abs=0.01)
    stopped = [e for e in exchanges(history) if e.sent.load == second.load]
    assert [sorted(e.sent.attempt for e in stopped).count(attempt) for attempt in (1, 2)] == [20, 20]
    assert all(e.lost_patience for e in stopped)
    times = sorted(e.span[0] for e in stopped if e.sent.attempt == 1)
    # Half of a second, as even as a busy machine lets it be: neither all at once nor each after the one before (6 s).
    assert 0.2e9 < times[-1] - times[0] < 3e9
