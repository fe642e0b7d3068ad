from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import psutil
import pytest

from harness.polling import poll, poll_async
from harness.processes.keeper import Keeper
from harness.protocols.postgres.server import PostgresServer
from harness.stack import Launch, private_folder
from harness.stack.servers.deaths import DeathWatch
from tests.stack.support import accepts, children_of

COMPUTING = "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE '%generate_series%'"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        yield connection
    finally:
        connection.terminate()


def pid_of(server: PostgresServer) -> int:
    assert server.process is not None
    return server.process.pid


def segments_made_by(pid: int) -> set[str]:
    """Ids of the System V segments that this process made: other servers' come and go at the same time."""
    with open("/proc/sysvipc/shm", encoding="ascii") as table:  # noqa: PTH123 - a table of the kernel's
        lines = [line.split() for line in table]
    creator = lines[0].index("cpid")
    return {line[1] for line in lines[1:] if line[creator] == str(pid)}


@pytest.mark.asyncio
async def test_it_answers_as_the_version_that_it_tells(postgres: PostgresServer) -> None:
    async with connected(postgres.url()) as connection:
        assert str(await connection.fetchval("SHOW server_version")).startswith(postgres.version)
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"


@pytest.mark.asyncio
async def test_only_the_password_opens_it(postgres: PostgresServer) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url(user="postgres", password="guessed"))  # noqa: S106 - a wrong one


@pytest.mark.asyncio
async def test_it_listens_on_this_machine_only_and_on_no_unix_socket(postgres: PostgresServer) -> None:
    listening = [
        connection.laddr
        for connection in psutil.Process(pid_of(postgres)).net_connections(kind="all")
        if connection.status == psutil.CONN_LISTEN or connection.family.name == "AF_UNIX"
    ]
    assert listening == [("127.0.0.1", postgres.port)]


@pytest.mark.asyncio
async def test_a_lock_wait_is_in_the_log_while_it_lasts(postgres: PostgresServer) -> None:
    assert postgres.log is not None
    mark = postgres.log.size()
    async with connected(postgres.url()) as holder, connected(postgres.url()) as waiter:
        await holder.execute("BEGIN; SELECT pg_advisory_xact_lock(7)")
        waiting = asyncio.create_task(waiter.execute("SELECT pg_advisory_lock(7)"))
        log, still_waits = postgres.log, "still waiting for ExclusiveLock on advisory lock"
        assert await poll(lambda: still_waits in log.read(mark), within_s=10)
        assert not waiting.done()
        await holder.execute("COMMIT")
        await waiting
    written = postgres.log.read(mark)
    assert "user=postgres db=postgres app=" in written
    assert "connection received: host=127.0.0.1" in written


@pytest.mark.asyncio
async def test_a_restart_keeps_port_and_data_and_is_no_news(postgres: PostgresServer, deaths: DeathWatch) -> None:
    before = (postgres.port, pid_of(postgres))
    async with connected(postgres.url()) as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    postgres.restart()
    async with connected(postgres.url()) as connection:
        assert await connection.fetchval("SELECT n FROM kept") == 42
        await connection.execute("DROP TABLE kept")
    assert postgres.port == before[0]
    assert pid_of(postgres) != before[1]
    assert deaths.first() is None


@pytest.mark.asyncio
async def test_a_crash_takes_busy_backends_along_and_committed_rows_survive(
    postgres: PostgresServer, deaths: DeathWatch
) -> None:
    async with connected(postgres.url()) as connection, connected(postgres.url()) as busy:
        await connection.execute("CREATE TABLE kept AS SELECT 43 AS n")
        # A backend that computes does not look whether its postmaster lives.
        computing = asyncio.create_task(busy.execute("SELECT count(*) FROM generate_series(1, 100000000000)"))
        assert await poll_async(lambda: connection.fetchval(COMPUTING, busy.get_server_pid()), within_s=10)
        backends = children_of(pid_of(postgres))
        await asyncio.to_thread(postgres.crash)
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await computing
    assert len(backends) >= 2
    assert not [backend for backend in backends if backend.is_running() and backend.status() != psutil.STATUS_ZOMBIE]
    assert not accepts(postgres.port)
    postgres.start_again()
    async with connected(postgres.url()) as connection:
        assert await connection.fetchval("SELECT n FROM kept") == 43
        await connection.execute("DROP TABLE kept")
    assert postgres.log is not None
    assert "was not properly shut down; automatic recovery in progress" in postgres.log.read()
    assert deaths.first() is None


def test_stopping_twice_and_starting_twice_is_once(postgres: PostgresServer, deaths: DeathWatch) -> None:
    postgres.stop()
    postgres.stop()
    assert not accepts(postgres.port)
    postgres.start_again()
    pid = pid_of(postgres)
    postgres.start_again()
    assert pid_of(postgres) == pid
    assert deaths.first() is None


@pytest.mark.asyncio
async def test_it_can_be_restarted_from_a_thread_with_a_running_event_loop(postgres: PostgresServer) -> None:
    postgres.restart()
    async with connected(postgres.url()) as connection:
        assert await connection.fetchval("SELECT 1") == 1


def test_its_end_leaves_no_process_and_no_shared_memory(keeper: Keeper) -> None:
    with private_folder() as folder:
        with PostgresServer.start(Launch(keeper, folder)) as server:
            pid = pid_of(server)
            processes = [psutil.Process(pid), *children_of(pid)]
            server.crash()
        assert segments_made_by(pid), "a crash leaves the segment: else there is nothing to clean up"
    assert not segments_made_by(pid)
    assert not [process for process in processes if process.is_running()]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "postgresql://postgres:pw@127.0.0.1:5/postgres"),
        ({"database": "a b/c"}, "postgresql://postgres:pw@127.0.0.1:5/a%20b%2Fc"),
        ({"user": "postgres"}, "postgresql://postgres:pw@127.0.0.1:5/postgres"),
        ({"user": "svc"}, "postgresql://svc@127.0.0.1:5/postgres"),
        ({"user": "s@c", "password": "p:/?"}, "postgresql://s%40c:p%3A%2F%3F@127.0.0.1:5/postgres"),
    ],
)
def test_urls(arguments: dict[str, str], expected: str) -> None:
    server = PostgresServer("postgresql://postgres:pw@127.0.0.1:5/postgres", "18.6")
    assert server.url(**arguments) == expected
