"""Ordinary tests of an application in their own process. `test_fixture.py` runs this file, and knows what must fail."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping

import anyio
import asyncpg
import pytest
import pytest_asyncio
import uvloop
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from harness import REFUSED, Chaos, link, postgres, process, redis, server, syscall, wire
from harness.chaos import ChaosServers
from harness.errors import InconclusiveError, UsageError
from harness.faults import Fault
from harness.stack import StackConfiguration
from harness.stack.tcp.refusals import Refusals

CHILD = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as opened:
    opened.sendall(b"PING\\r\\n")
    print(opened.recv(7).decode().strip(), flush=True)
    print(opened.recv(1).decode() + "ended", flush=True)
"""
INSERT = "INSERT INTO orders VALUES ($1)"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def chaos_servers() -> Mapping[str, str]:
    return {}  # {"postgres": container.get_connection_url()}


@pytest_asyncio.fixture
async def pool(chaos: Chaos) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(chaos.postgres.url, min_size=1, max_size=2) as pool:
        await pool.execute("CREATE TABLE orders (id text)")
        yield pool


async def checkout(pool: asyncpg.Pool, order: str, tries: int = 2) -> int:
    """Return the status of an answer. It tries again without knowing whether the first try was stored."""
    for left in reversed(range(tries)):
        try:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute(INSERT, order)
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
            if not left:
                return 503
        else:
            return 201
    return 500


@pytest.mark.asyncio
async def test_a_lost_statement_is_sent_again(chaos: Chaos, pool: asyncpg.Pool) -> None:
    async with chaos.inject(wire.cut(postgres.sent("INSERT"))) as fault:
        assert await checkout(pool, "one") == 201
    assert fault.fired == 1
    chaos.answered("one")
    await chaos.acheck(stored="SELECT id FROM orders", connections=2)
    [evidence] = fault.evidence
    assert evidence.startswith("wire_cut (relay)")


@pytest.mark.asyncio
async def test_a_lost_commit_is_stored_twice(chaos: Chaos, pool: asyncpg.Pool) -> None:
    async with chaos.inject(wire.cut(postgres.answered("COMMIT"))):
        assert await checkout(pool, "two") == 201
    chaos.answered("two")
    with pytest.raises(AssertionError, match=r"stored_once: .*two"):
        await chaos.acheck(stored="SELECT id FROM orders")


@pytest.mark.asyncio
async def test_what_is_refused_is_not_stored_and_what_stays_open_is_seen(chaos: Chaos, pool: asyncpg.Pool) -> None:
    await checkout(pool, "three")
    chaos.answered("three", REFUSED)
    connection = await asyncpg.connect(chaos.postgres.url)
    await connection.execute("BEGIN; SELECT 1")
    with pytest.raises(AssertionError, match=r"refused_is_not_stored: .*three.*pool_returns: busy connections"):
        await chaos.acheck(stored="SELECT id FROM orders", within_s=0.1)
    await connection.close()


@pytest.mark.anyio
async def test_a_moment_is_waited_for_while_the_application_goes_on(chaos: Chaos) -> None:
    engine = create_async_engine(chaos.postgres.url_for("postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE orders (id text)"))
    lock = server.lock(postgres, "orders")

    async def insert() -> None:
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO orders VALUES ('four')"))

    async with anyio.create_task_group() as group, chaos.inject(lock):
        group.start_soon(insert)
        await chaos.auntil(postgres.waiting("INSERT"))
    await engine.dispose()
    with pytest.raises(UsageError, match=r"await chaos\.acheck"):
        chaos.check()


@pytest.mark.parametrize("number", [1, 2])
def test_a_test_without_async_breaks_redis(chaos: Chaos, number: int) -> None:
    del number
    client = Redis.from_url(chaos.redis.url, retry=None)
    assert client.incr("counter") == 1, "each test has an empty Redis"
    with chaos.inject(link.cut(redis)) as fault:
        assert client.get("counter") == b"1", "redis-py sees that its connection has ended, and takes a new one"
        assert fault.fired == 1, "so far"
    assert fault.fired == 1
    with chaos.inject(link.down(redis), link.latency(postgres, latency_ms=1)) as fault:
        with pytest.raises(RedisConnectionError):
            client.get("counter")
        with socket.create_connection((chaos.postgres.host, chaos.postgres.port)) as opened:
            opened.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")
            assert opened.recv(1)
    assert any("connect" in line for line in fault.evidence)
    assert client.incr("counter") == 2, "healed"
    assert len([entry for entry in chaos.history.entries if entry.event.kind == "fault.healed"]) == 3
    client.close()


def test_the_application_is_a_child(chaos: Chaos) -> None:
    speaks = [sys.executable, "-S", "-c", CHILD, str(chaos.redis.port)]
    with subprocess.Popen(speaks, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "+PONG\n"
        with chaos.inject(link.cut(redis)) as fault:
            assert child.stdout.readline() == "ended\n"
        assert fault.fired == 1


def test_the_servers_are_the_users_own(chaos: Chaos) -> None:
    given = {"postgres": chaos.postgres.direct_url.replace("://", "+psycopg2://"), "redis": chaos.redis.direct_url}
    with ChaosServers(StackConfiguration(), given) as servers, servers.laid() as other:
        assert other.redis.port != chaos.redis.port
        client = Redis.from_url(other.redis.url, retry=None)
        with other.inject(wire.cut(redis.sent("GET"))), pytest.raises(RedisConnectionError):
            client.get("name")
        client.close()
    with pytest.raises(UsageError, match="closest valid: 'postgres'"):
        ChaosServers(StackConfiguration(), {"postgre": ""})


def test_connects_that_are_refused_are_evidence(chaos: Chaos) -> None:
    """Nothing was connected before: without them a server that is away would seem to have been felt by nobody."""
    client = Redis.from_url(chaos.redis.url, retry=None)
    with chaos.inject(server.stop(redis)) as fault, pytest.raises(RedisConnectionError):
        client.get("name")
    assert client.get("name") is None, "it is back"
    [evidence] = fault.evidence
    assert evidence.startswith(("connects_refused (raw socket): 1 ", "connects_refused (audit hook of Python): 1 "))
    client.close()


@pytest.mark.parametrize("away", [link.down(redis), server.stop(redis)])
def test_connects_of_a_driver_in_c_that_are_refused_are_evidence(chaos: Chaos, away: Fault) -> None:
    """Python tells nothing of libuv's connects: it takes a raw socket to see what became of them."""

    async def connect() -> None:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.get_running_loop().create_connection(asyncio.Protocol, chaos.redis.host, chaos.redis.port)

    unseen = pytest.raises(InconclusiveError, match="with a driver in C, such as psycopg or uvloop's")
    refusals = Refusals.opened()
    with unseen if refusals is None else refusals:
        with chaos.inject(away) as fault:
            uvloop.run(connect())
        assert fault.fired == 1
        assert fault.evidence[0].startswith("connects_refused (raw socket): 1 connects")


def test_what_a_test_lacks_is_said(chaos: Chaos) -> None:
    for fault in (process.kill(), syscall.connect(redis, errno="EINVAL"), wire.hang_up(postgres.sent("INSERT"))):
        with pytest.raises(UsageError, match="strikes a service"):
            chaos.inject(fault)
    with pytest.raises(AttributeError, match="it has postgres, redis"):
        _ = chaos.mysql


def test_inconclusive_without_a_connection(chaos: Chaos) -> None:
    with chaos.inject(link.cut(redis)):
        Redis.from_url(chaos.redis.url).close()  # it connects when it is first asked for something


def test_inconclusive_where_no_refused_connect_is_seen(chaos: Chaos) -> None:
    with chaos.inject(link.down(redis)):
        pass


def test_inconclusive_without_evidence(chaos: Chaos) -> None:
    with chaos.inject(wire.cut(redis.sent("GET"))):
        client = Redis.from_url(chaos.redis.url)
        client.set("name", "value")
        client.close()
        raise AssertionError("says nothing")


def test_inconclusive_without_the_moment(chaos: Chaos) -> None:
    chaos.until(postgres.idle(at_least=1), within_s=0.05)


def test_fails_as_ever(chaos: Chaos) -> None:
    client = Redis.from_url(chaos.redis.url)
    with chaos.inject(wire.cut(redis.sent("GET"))), pytest.raises(RedisConnectionError):
        client.get("name")
    assert client.get("name") == b"never"
