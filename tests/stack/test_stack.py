from __future__ import annotations

import asyncio
import signal
import threading
from pathlib import Path

import asyncpg
import pytest
import redis as client_library

from harness.errors import HarnessError, UsageError
from harness.processes.keeper import Keeper
from harness.protocols.postgres.running.databases import create_role
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.redis.server import RedisServer
from harness.stack import DeadServer, HostPort, Server, Stack, StackConfiguration
from tests.servers import BOTH
from tests.stack.support import accepts, broken_redis, children_of, processes_in


async def count_tables(url: str) -> int:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM pg_tables WHERE tablename = 'mine'"))
    finally:
        connection.terminate()


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(statement)
    finally:
        connection.terminate()


def test_all_three_answer_and_tell_their_versions(stack: Stack) -> None:
    assert asyncio.run(count_tables(stack.of(PostgresServer).url())) == 0
    with client_library.Redis.from_url(stack.of(RedisServer).url()) as client:
        assert client.ping()
    assert stack.toxiproxy.client().version()
    versions = stack.versions()
    assert sorted(versions) == ["postgres", "redis", "toxiproxy"]
    assert all(version[0].isdigit() for version in versions.values())
    assert stack.dead() is None


def test_two_stacks_side_by_side_do_not_meet(stack: Stack, keeper: Keeper, folder: Path) -> None:
    with Stack.start(BOTH, StackConfiguration(), folder, keeper=keeper) as other:
        asyncio.run(execute(other.of(PostgresServer).url(), "CREATE TABLE mine ()"))
        with client_library.Redis.from_url(other.of(RedisServer).url()) as client:
            client.set("mine", 1)
        other.toxiproxy.client().create("mine", HostPort("127.0.0.1", other.of(RedisServer).port))
        assert asyncio.run(count_tables(stack.of(PostgresServer).url())) == 0
        with client_library.Redis.from_url(stack.of(RedisServer).url()) as client:
            assert not client.exists("mine")
        with pytest.raises(HarnessError):
            stack.toxiproxy.client().toxics("mine")
        assert processes_in(folder)
    assert not processes_in(folder)
    assert accepts(stack.of(PostgresServer).port)


@pytest.mark.parametrize("name", ["postgres", "redis", "toxiproxy"])
def test_a_death_is_told_at_once_and_the_rest_is_stopped(keeper: Keeper, folder: Path, name: str) -> None:
    told: list[DeadServer] = []
    heard = threading.Event()

    def on_death(dead: DeadServer) -> None:
        told.append(dead)
        heard.set()

    with Stack.start(BOTH, StackConfiguration(), folder, keeper=keeper) as stack:
        stack.on_death(on_death)
        process = stack.all_servers[name].process
        assert process is not None
        process.send_signal(signal.SIGKILL)
        assert heard.wait(10)
        dead = stack.dead()
    assert dead is not None
    assert told == [dead]
    assert (dead.name, dead.exit_status) == (name, -9)
    assert str(dead).startswith(f"{name} killed by signal 9 (SIGKILL); the end of its log:\n")
    assert dead.log_tail
    assert not processes_in(folder)


def test_what_is_done_on_purpose_is_not_told(keeper: Keeper, folder: Path) -> None:
    told: list[DeadServer] = []
    with Stack.start(BOTH, StackConfiguration(), folder, keeper=keeper) as stack:
        stack.on_death(told.append)
        for server in stack.servers.values():
            server.restart()
            server.crash()
            server.start_again()
            server.stop()
        assert stack.dead() is None
    stack.close()
    assert told == []


def test_a_start_that_fails_stops_what_had_started(folder: Path) -> None:
    configuration = StackConfiguration(servers={"redis": str(broken_redis(folder))})
    with Keeper.start() as keeper:  # of its own: below the session's one other servers' processes come and go
        before = {process.pid for process in children_of(keeper.pid)}
        with pytest.raises(HarnessError, match=r"redis exited with status 3"):
            Stack.start(BOTH, configuration, folder, keeper=keeper)
        assert (folder / "postgres" / "data" / "PG_VERSION").exists(), "PostgreSQL had not even begun"
        assert not processes_in(folder)
        assert {process.pid for process in children_of(keeper.pid)} == before


def test_a_wrong_path_is_told_before_anything_runs(keeper: Keeper, folder: Path) -> None:
    with pytest.raises(UsageError, match="redis = "):
        Stack.start(BOTH, StackConfiguration(servers={"redis": str(folder / "missing")}), folder, keeper=keeper)
    assert list(folder.iterdir()) == []


def test_logs_go_where_they_are_wanted(keeper: Keeper, folder: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    with Stack.start(BOTH, StackConfiguration(), folder, keeper=keeper, logs=logs):
        pass
    assert {"postgres.log", "redis.log", "toxiproxy.log"} <= {path.name for path in logs.iterdir()}


def test_servers_given_by_url_are_used_and_left_running(stack: Stack, keeper: Keeper, folder: Path) -> None:
    urls = {"postgres": stack.of(PostgresServer).url(), "redis": stack.of(RedisServer).url()}
    configuration = StackConfiguration(servers=urls, toxiproxy=stack.toxiproxy.api_url)
    with Stack.start(BOTH, configuration, folder, keeper=keeper) as other:
        for name, server in other.servers.items():
            assert (server.port, server.version) == (stack.servers[name].port, stack.servers[name].version)
            assert (server.process, server.log) == (None, None)
            _refuses_to_act_on_it(server)
        assert asyncio.run(count_tables(other.of(PostgresServer).url())) == 0
    assert accepts(stack.of(PostgresServer).port)
    assert accepts(stack.of(RedisServer).port)
    assert stack.dead() is None


def _refuses_to_act_on_it(server: Server) -> None:
    for act in (server.restart, server.crash, server.start_again, server.stop):
        with pytest.raises(HarnessError, match="the harness does not own it") as refused:
            act()
        assert "embedded" in refused.value.hint


@pytest.mark.asyncio
async def test_a_url_of_no_superuser_is_refused(stack: Stack) -> None:
    connection = await asyncpg.connect(stack.of(PostgresServer).url())
    await create_role(connection, "ordinary", password="secret-word")  # noqa: S106 - a test's own
    try:
        url = stack.of(PostgresServer).url(user="ordinary", password="secret-word")  # noqa: S106 - a test's own
        with pytest.raises(UsageError, match="not a superuser") as refused:
            await asyncio.to_thread(PostgresServer.at_url, url)
        assert "secret-word" not in str(refused.value)
    finally:
        await connection.execute("DROP ROLE ordinary")
        await connection.close()
