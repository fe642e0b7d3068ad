"""A service with two PostgreSQL servers: what is done to one does not touch the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg
import pytest

from harness import Lab, Postgres, link, server
from harness.checks import Verdict
from harness.engine.laying.testbed import open_testbed
from harness.faults.fault import Fault
from harness.history.events import AtRest, EvidenceSeen
from harness.protocols.postgres.server import PostgresServer
from harness.stack import StackConfiguration
from harness.target import load_target
from tests.scenario_live.support import Runs, history_of
from tests.tiny import write_suite

LEDGER = Postgres("ledger")
SECOND = """
[links.ledger]
protocol = "postgres"
server = "ledger"

[servers.ledger]
max_connections = 50

[sender.http]"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("two")
    file = write_suite(folder) / "scenarios" / "target.toml"
    text = file.read_text("utf-8").replace("\n[sender.http]", SECOND)
    file.write_text(text.replace("[links.postgres]", 'LEDGER_URL = "{ledger.url}"\n\n[links.postgres]'), "utf-8")
    with open_testbed(load_target(file), StackConfiguration(), logs=folder / "logs") as bed:
        yield Runs(bed, folder)


def test_each_is_a_server_of_its_own_with_its_own_options(runs: Runs) -> None:
    stack = runs.bed.stack
    assert sorted(stack.servers) == ["ledger", "postgres", "redis"]
    assert stack.of(PostgresServer).port != stack.of(PostgresServer, "ledger").port
    asked = (_ask(stack.of(PostgresServer, name), "SHOW max_connections") for name in ("postgres", "ledger"))
    assert [asyncio.run(each) for each in asked] == ["300", "50"]
    assert (runs.folder / "logs" / "ledger.log").exists()


@pytest.mark.parametrize(
    ("fault", "source"),
    [(server.end_sessions(LEDGER), "PostgreSQL (ledger)"), (link.cut(LEDGER), "kernel"),
     (server.lock(LEDGER, "stored"), "PostgreSQL (ledger)")],
    ids=str,
)  # fmt: skip
def test_a_fault_at_one_leaves_the_other_alone(runs: Runs, fault: Fault, source: str) -> None:
    seen: list[Mapping[str, int]] = []

    async def play(lab: Lab) -> None:
        await lab.deliver()
        seen.append(await _backends(runs))
        async with lab.inject(fault):
            if not isinstance(fault, server.lock):
                await lab.deliver()
            else:
                async with lab.deliver():
                    await lab.until(LEDGER.waiting("INSERT"))
                    await lab.heal(fault)
        await lab.deliver()
        seen.append(await _backends(runs))

    result = runs(play, profile="whole")

    assert result.verdict is Verdict.HELD, result.reason
    before, after = seen
    assert before["postgres"] == after["postgres"], "its session is the same"
    assert (before["ledger"] == after["ledger"]) == isinstance(fault, server.lock)
    assert {each.source for each in history_of(result).of(EvidenceSeen)} == {source}
    assert {each.link for each in history_of(result).of(AtRest) if each.link} == {"postgres", "ledger"}


async def _backends(runs: Runs) -> Mapping[str, int]:
    """The one backend that the service has on each server."""
    of_service = "SELECT pid FROM pg_stat_activity WHERE usename LIKE '%\\_%' AND datname = usename"
    stack = runs.bed.stack
    return {name: await _ask(stack.of(PostgresServer, name), of_service) for name in ("postgres", "ledger")}


async def _ask(asked: PostgresServer, sql: str) -> Any:
    session = await asyncpg.connect(asked.url())
    try:
        return await session.fetchval(sql)
    finally:
        await session.close()
