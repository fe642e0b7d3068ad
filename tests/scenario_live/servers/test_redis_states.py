"""Redis in a state in which it answers with an error."""

from __future__ import annotations

import pytest

from harness import Lab, redis, server
from harness.checks import Verdict
from harness.errors import UsageError
from tests.scenario_live.support import Runs, all_mended, evidence


def test_what_it_answers_so_is_the_evidence(runs: Runs) -> None:
    full, busy = server.drive_to(redis, "OOM"), server.drive_to(redis, "BUSY")

    async def play(lab: Lab) -> None:
        async with lab.inject(full):
            await lab.deliver()
        async with lab.inject(busy):
            await lab.deliver()
        await lab.deliver()
        await lab.inject(server.kill_clients(redis))
        await lab.deliver(5)  # they find the dead connections, which a question about the health might meet otherwise

    # With the service's 50 ms a busy machine would answer too late, and be left alone then.
    result = runs(play, without=("redis.timeouts", "redis.breaker"))

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(full)] == {"answered_so": 1}
    assert evidence(result)[repr(busy)] == {"answered_so": 1}
    assert evidence(result)[repr(server.kill_clients(redis))] == {"clients_killed": 1}
    assert all_mended(runs.bed, full)
    assert all_mended(runs.bed, busy)


def test_a_state_that_nobody_met_proves_nothing(runs: Runs) -> None:
    fault = server.drive_to(redis, "BUSY")

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            pass
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "left no evidence" in result.reason
    assert all_mended(runs.bed, fault)


def test_another_state_is_refused() -> None:
    with pytest.raises(UsageError, match="LOADING"):
        server.drive_to(redis, "LOADNG")  # type: ignore[arg-type]  # the very mistake


def test_commands_are_watched_for_however_long_redis_hears_none(runs: Runs) -> None:
    poisoned = server.poison(redis)

    async def play(lab: Lab) -> None:
        async with lab.inject(poisoned):
            await lab.wait(5.5, because="redis-py gives a read 5 s, unless it is told otherwise")
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert "poison_met" in evidence(result)[repr(poisoned)]


def test_a_watch_that_redis_ends_ends_the_run_in_words(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(server.poison(redis), server.restart(redis)):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "healing" in result.reason or "ConnectionError" in result.reason, result.reason
