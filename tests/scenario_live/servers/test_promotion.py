"""A failover: the standby takes the primary's place, or is stopped if nothing needed it."""

from __future__ import annotations

import asyncio
import dataclasses

import asyncpg
import pytest

from harness import ANY_OUTCOME, Lab, postgres, server, service
from harness.checks import Verdict
from harness.errors import UsageError
from harness.history.events import FailedOver, RowsRead
from harness.protocols.postgres.failover.switchover import OldPrimary
from harness.protocols.postgres.server import PostgresServer
from tests.scenario_live.support import Runs, all_mended, evidence, history_of

WAITS_FOR = "SHOW synchronous_standby_names"
IS_STANDBY = "SELECT pg_is_in_recovery()"


async def _nothing_special(lab: Lab) -> None:
    async with lab.inject(server.restart(postgres)):
        await lab.deliver(2, expect=ANY_OUTCOME)
    await lab.deliver(2)


def test_the_standby_takes_over_for_good(runs: Runs) -> None:
    primary = runs.bed.stack.of(PostgresServer)
    before, data = primary.port, _ask(primary, "SHOW data_directory")
    fault = server.promote(postgres, at=postgres.answered("COMMIT"))

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.deliver()
        await lab.deliver(2)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert "connections_lost" in evidence(result)[repr(fault)]
    assert all(read.rows for read in history_of(result).of(RowsRead))
    assert primary.port != before
    assert _ask(primary, "SHOW data_directory") != data
    assert (_ask(primary, IS_STANDBY), _ask(primary, WAITS_FOR)) == (False, "")
    # One of some thirty promotions took 5 s, PostgreSQL's own interval: it had met the begin of that wait.
    assert _ask(primary, "SELECT setting::int FROM pg_settings WHERE name = 'wal_retrieve_retry_interval'") == 100
    assert runs.bed.stack.dead() is None
    assert all_mended(runs.bed, fault)
    # The next run has it as its server, and may restart it, too.
    assert runs(_nothing_special).verdict is Verdict.HELD


def test_a_standby_that_nothing_needed_is_stopped(runs: Runs) -> None:
    primary = runs.bed.stack.of(PostgresServer)
    before = primary.port

    async def play(lab: Lab) -> None:
        async with lab.inject(server.promote(postgres, at=postgres.sent("VACUUM"))):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "server.promote(postgres, at=postgres.sent('VACUUM')) left no evidence" in result.reason
    assert primary.port == before
    assert (_ask(primary, WAITS_FOR), _ask(primary, "SELECT count(*) FROM pg_stat_replication")) == ("", 0)


BEHIND = server.promote(postgres, standby="asynchronous", at=service.answers(at_least=3))


async def _promoted_behind(lab: Lab) -> None:
    async with lab.inject(BEHIND):
        await lab.deliver(3)
        await lab.until(BEHIND.fired())
    await lab.deliver(2)


@pytest.mark.parametrize("at_most", [None, 2, 3])
def test_a_standby_that_was_behind_loses_rows_which_count(runs: Runs, at_most: int | None) -> None:
    async def play(lab: Lab) -> None:
        await _promoted_behind(lab)
        if at_most is not None:
            lab.expect(service.rows_lost, at_least=3, at_most=at_most)
        lab.expect(service.without_writes, at_least=1)

    result = runs(play)

    assert (result.verdict is Verdict.HELD) == (at_most == 3), result.reason
    assert at_most == 3 or result.reason.startswith("acknowledged_is_stored: acknowledged, but not stored: ")
    assert evidence(result)[repr(BEHIND)]["rows_lacked"] == 1
    assert result.figures["rows_lost"] == 3
    assert result.figures["without_writes_ratio"] == pytest.approx(
        result.figures["without_writes_ms"] / result.figures["failover_ms"], rel=0.01
    )
    (over,) = history_of(result).of(FailedOver)
    assert over.standby == "asynchronous"
    assert over.lacked is not None
    assert len(over.lacked) == 3


def test_the_old_primary_gets_its_place_back(runs: Runs) -> None:
    primary, fault = runs.bed.stack.of(PostgresServer), dataclasses.replace(BEHIND, fail_back=True)
    before, data = primary.port, _ask(primary, "SHOW data_directory")

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.deliver(3)
            await lab.until(fault.fired())
            await lab.deliver(2, expect=ANY_OUTCOME)
        await lab.deliver(2)
        lab.expect(service.rows_lost, at_least=3, at_most=3)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(fault)]["failed_back"] == 1
    over, back = history_of(result).of(FailedOver)
    assert (over.standby, back.standby, back.lacked) == ("asynchronous", "rewound", ())
    assert (primary.port, _ask(primary, "SHOW data_directory")) == (before, data)
    assert _ask(primary, IS_STANDBY) is False
    assert all_mended(runs.bed, fault)
    assert runs(_nothing_special).verdict is Verdict.HELD


def test_a_standby_that_lacked_nothing_was_not_behind(runs: Runs) -> None:
    fault = server.promote(postgres, standby="asynchronous")

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.deliver(2, expect=ANY_OUTCOME)

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "seen instead: the standby had all that the primary had" in result.reason


def test_a_lost_standby_that_no_commit_met(runs: Runs) -> None:
    primary, fault = runs.bed.stack.of(PostgresServer), server.lose_standby(postgres)

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            pass
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith("server.lose_standby(postgres) left no evidence")
    assert (_ask(primary, WAITS_FOR), _ask(primary, "SELECT count(*) FROM pg_stat_replication")) == ("", 0)
    assert all_mended(runs.bed, fault)


@pytest.mark.parametrize("old", ["writable", "read_only"])
def test_an_old_primary_that_nothing_used(runs: Runs, old: OldPrimary) -> None:
    primary, fault = runs.bed.stack.of(PostgresServer), server.switch_over(postgres, old=old)
    before = primary.port

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            pass
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith(f"{fault!r} left no evidence")
    assert primary.port != before
    assert (_ask(primary, WAITS_FOR), _ask(primary, IS_STANDBY)) == ("", False)
    assert all_mended(runs.bed, fault)


def test_what_an_old_primary_acknowledges_is_counted(runs: Runs) -> None:
    fault = server.switch_over(postgres, standby="asynchronous")

    async def play(lab: Lab) -> None:
        await lab.deliver()
        async with lab.inject(fault):
            await lab.deliver()
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.FAILED
    assert result.reason.startswith("acknowledged_is_stored")
    assert (result.figures["rows_lost"], result.figures["acknowledged_by_old_primary"]) == (1, 1)
    (over,) = history_of(result).of(FailedOver)
    assert over.served_on_ms > 0
    assert "took over alone" in over.told


def test_what_no_promotion_can_be_is_refused() -> None:
    with pytest.raises(UsageError, match="down_ms = -1: less than 0"):
        server.promote(postgres, down_ms=-1)
    with pytest.raises(UsageError, match="standby = 'lazy': expected one of the valid words"):
        server.promote(postgres, standby="lazy")  # type: ignore[arg-type]  # a wrong word, which is refused


def _ask(primary: PostgresServer, sql: str) -> object:
    async def asked() -> object:
        connection = await asyncpg.connect(primary.url())
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(asked())
