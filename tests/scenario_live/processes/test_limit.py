"""The service gets fewer descriptors while it runs: it comes to its limit, and has what it had afterwards."""

from __future__ import annotations

import psutil
import pytest

from harness import ANY_OUTCOME, Lab, process
from harness.checks import Verdict
from harness.errors import UsageError
from tests.scenario_live.support import Runs, evidence, site_of


def test_descriptors_run_out_and_come_back(runs: Runs) -> None:
    limits: list[tuple[int, int]] = []
    fault = process.limit(more_descriptors=5)

    async def play(lab: Lab) -> None:
        running = psutil.Process(site_of(lab).service.process.pid)
        limits.append(running.rlimit(psutil.RLIMIT_NOFILE))
        async with lab.inject(fault):
            limits.append(running.rlimit(psutil.RLIMIT_NOFILE))
            async with lab.deliver(40, expect=ANY_OUTCOME):
                await lab.until(fault.fired())
                await lab.heal(fault)
        limits.append(running.rlimit(psutil.RLIMIT_NOFILE))
        await lab.deliver()

    result = runs(play)

    # The event loop logs an error when it cannot accept: that is the service's, and no part of this test.
    assert set(result.failing_checks) <= {"log_clean"}, result.reason
    assert evidence(result)[repr(fault)] == {"limit_set": 1, "limit_reached": 1}
    assert limits[0] == limits[2]
    assert limits[1][0] < limits[0][0]


def test_a_limit_that_is_not_reached_proves_nothing(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(process.limit(more_descriptors=200, more_memory_bytes=1 << 30)):
            await lab.deliver()
        async with lab.inject(process.limit(more_memory_bytes=1 << 19)):
            pass  # little is left, and none of it is taken

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "was carried out, but nothing shows that the service felt it" in result.reason


def test_a_limit_limits_something() -> None:
    with pytest.raises(UsageError, match=r"process\.limit: limits = None: nothing is limited"):
        process.limit()
