"""A failover: the standby takes the primary's place, or is stopped if nothing needed it."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from harness import ANY_OUTCOME, Lab, postgres, server
from harness.checks import Verdict
from harness.errors import UsageError
from harness.history.events import RowsRead
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


def test_less_than_no_time_is_refused() -> None:
    with pytest.raises(UsageError, match="down_ms = -1: less than 0"):
        server.promote(postgres, down_ms=-1)


def _ask(primary: PostgresServer, sql: str) -> object:
    async def asked() -> object:
        connection = await asyncpg.connect(primary.url())
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(asked())
