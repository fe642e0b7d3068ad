"""A server that is stopped, restarted or killed: what the service meets, and that the servers are whole afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis as RedisClient

from harness import ANY_OUTCOME, REFUSED, Fault, Lab, Link, Moment, link, postgres, redis, server
from harness.checks import Verdict
from harness.engine.laying.testbed import Testbed
from harness.history.events import RowsRead
from harness.protocols.redis.server import RedisServer
from tests.scenario_live.support import Runs, all_mended, evidence, history_of

LOST, REFUSED_CONNECTS = "connections_lost", "connects_refused"


@pytest.mark.parametrize("target", [postgres, redis], ids=str)
@pytest.mark.parametrize(
    "made", [server.stop, lambda of: server.stop(of, how="immediate"),
             lambda of: server.crash(of, down_ms=None)],
    ids=["orderly", "immediate", "crash"],
)  # fmt: skip
def test_an_absent_server_loses_its_connections_and_refuses_new_ones(
    runs: Runs, target: Link, made: Callable[[Link], Fault]
) -> None:
    fault = made(target)

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.deliver(3, expect=REFUSED if target is postgres else ANY_OUTCOME)
        await lab.deliver(3)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert set(evidence(result)[repr(fault)]) == {LOST, REFUSED_CONNECTS}
    assert all_mended(runs.bed, fault), "the next run would get new servers for nothing"


@pytest.mark.parametrize("target", [postgres, redis], ids=str)
def test_a_restart_comes_back_by_itself(runs: Runs, target: Link) -> None:
    fault = server.restart(target)
    before = _pid(runs.bed, target)

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.until(fault.fired())
            await lab.deliver(3, expect=ANY_OUTCOME)
        await lab.deliver(3)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert LOST in evidence(result)[repr(fault)]
    assert _pid(runs.bed, target) != before
    assert runs.bed.stack.dead() is None
    assert all_mended(runs.bed, fault)


def test_redis_comes_back_empty(runs: Runs) -> None:
    kept: list[int] = []

    async def play(lab: Lab) -> None:
        await lab.deliver(3)
        kept.append(_keys(runs.bed))
        async with lab.inject(server.restart(redis)):
            await lab.deliver(3)
        kept.append(_keys(runs.bed))  # it is there again

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert kept[0] >= 3
    assert kept[1] < kept[0]


def test_killed_at_the_answer_to_its_commit_it_has_the_row(runs: Runs) -> None:
    fault = server.crash(postgres, at=postgres.answered("COMMIT"))

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert LOST in evidence(result)[repr(fault)]
    assert all(read.rows for read in history_of(result).of(RowsRead))


def test_an_end_that_the_service_did_not_feel_proves_nothing(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.deliver()
        async with lab.inject(link.down(redis)), lab.inject(server.stop(redis)):
            pass

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "server.stop(redis) left no evidence" in result.reason


def _pid(bed: Testbed, target: Link) -> int:
    process = bed.stack.servers[target.name].process
    assert process is not None
    return process.pid


def _keys(bed: Testbed) -> int:
    """Keys in all of Redis's databases."""
    with RedisClient.from_url(bed.stack.of(RedisServer).url()) as asking:
        return sum(each["keys"] for each in asking.info("keyspace").values())


@pytest.mark.parametrize("at", [None, postgres.waiting("COMMIT"), postgres.idle(at_least=1)], ids=str)
def test_a_server_that_another_fault_took_away_is_asked_in_vain(runs: Runs, at: Moment | None) -> None:
    """It is the scenario's own doing, or chance: the run proves nothing, and says which fault was in force."""
    away, text = server.stop(postgres), server.execute(postgres, "SELECT 1", at=at)

    async def play(lab: Lab) -> None:
        async with lab.inject(away, text):
            await lab.deliver(2, expect=REFUSED)
        await lab.deliver(2)

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE, result.reason
    assert f"postgres could not be reached while {away!r} was in force" in result.reason
