"""Each state that Redis can be brought into: it answers so, it says how often, and it comes out again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis as RedisClient
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from harness.processes.keeper import Keeper
from harness.protocols.redis.server import RedisServer
from harness.protocols.redis.states.table import STATES
from harness.stack.servers.server import Launch

SAID = {
    "OOM": "command not allowed when used memory",
    "MISCONF": "is configured to save RDB snapshots",
    "BUSY": "busy running a script",
    "LOADING": "is loading the dataset in memory",
    "READONLY": "can't write against a read only replica",
    "MASTERDOWN": "Link with MASTER is down",
    "NOAUTH": "Authentication required|called with the client already authenticated",
    "MAXCLIENTS": "max number of clients reached",
    "PAUSED": "Timeout reading",
}


@pytest.fixture(name="server", scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with Keeper.start() as keeper, RedisServer.start(Launch(keeper, tmp_path_factory.mktemp("redis"))) as server:
        yield server


def connected(server: RedisServer, *, timeout_s: float = 20) -> RedisClient:
    return RedisClient.from_url(server.url(), socket_timeout=timeout_s, retry=Retry(NoBackoff(), 0))


@asynccontextmanager
async def brought_into(code: str, server: RedisServer) -> AsyncIterator[list[int]]:
    """The list gets, at the end, how many commands were answered so."""
    state, count = STATES[code](server.url()), list[int]()
    own = await state.open()
    try:
        configured, before = await own.config_get(), await state.answered(own)
        await state.enter(own)
        yield count
        await state.leave(own)
        count.append(await state.answered(own) - before)
        assert await own.config_get() == configured
        assert not await own.keys("harness*")
    finally:
        await state.close()


@pytest.mark.parametrize("code", STATES)
@pytest.mark.asyncio
async def test_it_answers_so_until_it_comes_out_again(server: RedisServer, code: str) -> None:
    # Only a server that does not answer is to run into the client's limit: a busy machine needs its time.
    limit_s = 1 if code == "PAUSED" else 20
    async with brought_into(code, server) as answered, connected(server, timeout_s=limit_s) as client:
        with pytest.raises(RedisError, match=SAID[code]):
            await client.set("key", "value")
    assert answered[0] > 0
    async with connected(server) as client:
        assert await client.set("key", "value")
        assert await client.get("key") == b"value"


@pytest.mark.parametrize("code", STATES)
@pytest.mark.asyncio
async def test_the_harness_own_commands_do_not_count(server: RedisServer, code: str) -> None:
    async with brought_into(code, server) as answered:
        pass
    assert answered == [0]


def test_it_leaves_nothing_that_a_restart_would_load(server: RedisServer) -> None:
    """Last: what the states above have saved is gone."""
    data = Path(server.log.path).parent if server.log else Path()

    assert not list(data.glob("*.rdb"))
