"""redis-py and a real Redis, with the relay between them."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from harness.protocols.redis.server import RedisServer
from harness.relay import Cut, Duplicate, Fail, Hold, Late, RelayServer, Reset
from harness.stack import Stack
from tests.relay.clients import laid


def key() -> str:
    return f"wire:{uuid.uuid4()}"


@pytest.mark.asyncio
@pytest.mark.parametrize("protocol", [2, 3])
async def test_everything_passes(relay: RelayServer, stack: Stack, protocol: int) -> None:
    async with laid(relay, "redis", stack) as bed:
        client, name = bed.redis(protocol), key()
        large = b"\r\n".join([b"x" * 100_000] * 20)
        assert await client.set(name, large)
        assert await client.get(name) == large
        assert await client.hset(f"{name}:h", mapping={"a": "1", "b": "2"}) == 2
        assert await client.hgetall(f"{name}:h") == {b"a": b"1", b"b": b"2"}
        pipeline = client.pipeline(transaction=True)
        for _ in range(100):
            _ = pipeline.incr(f"{name}:n")
        assert (await pipeline.execute())[-1] == 100
        with pytest.raises(RedisError, match="WRONGTYPE"):
            await client.incr(f"{name}:h")
        listening = bed.redis(protocol).pubsub()
        await listening.subscribe(name)
        assert (await listening.get_message(timeout=10))["type"] == "subscribe"
        await client.publish(name, "hello")
        assert (await listening.get_message(timeout=10))["data"] == b"hello"
        await listening.aclose()  # type: ignore[no-untyped-call]  # redis-py's own


@pytest.mark.asyncio
async def test_the_write_took_effect_and_the_reply_is_lost(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        client, other, name = bed.redis(), bed.redis(), key()
        await client.ping()
        await bed.arm(Cut(), "answered", f"SET {name}")
        with pytest.raises(RedisConnectionError):
            await client.set(name, "1")
        assert await other.get(name) == b"1"
        assert (await bed.fired("rule1")).text == f"SET {name} 1"


@pytest.mark.asyncio
async def test_the_write_never_arrived(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        client, other, name = bed.redis(), bed.redis(), key()
        await bed.arm(Reset(), "sent", "SET", having=name.encode())
        await other.set(key(), "1")
        with pytest.raises(RedisConnectionError):
            await client.set(name, "1")
        assert await other.get(name) is None


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("code", "error"), [("READONLY", ReadOnlyError), ("OOM", OutOfMemoryError), ("LOADING", BusyLoadingError)]
)
async def test_a_servers_error(relay: RelayServer, stack: Stack, code: str, error: type[Exception]) -> None:
    async with laid(relay, "redis", stack) as bed:
        client, name = bed.redis(), key()
        await bed.arm(Fail(code), "sent", "SET")
        with pytest.raises(error):
            await client.set(name, "1")
        assert await client.get(name) is None


@pytest.mark.asyncio
async def test_of_a_pipeline_one_command_fails(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        client, name = bed.redis(), key()
        await bed.arm(Fail("OOM"), "sent", "INCR", nth=2)
        pipeline = client.pipeline(transaction=False)
        for _ in range(4):
            _ = pipeline.incr(name)
        first, second, third, fourth = await pipeline.execute(raise_on_error=False)
        assert (first, third, fourth) == (1, 2, 3)
        assert isinstance(second, OutOfMemoryError)


@pytest.mark.asyncio
async def test_a_doubled_command_works_twice(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        client, other, name = bed.redis(), bed.redis(), key()
        rule = await bed.arm(Duplicate(), "sent", "INCR")
        assert await client.incr(name) == 1
        await bed.fired(rule)
        reply: object = 2
        assert await client.get(name) == reply  # the second reply to INCR: what a doubled command does to its client
        assert await other.get(name) == b"2"


@pytest.mark.asyncio
async def test_a_late_reply_is_taken_for_the_next_ones(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        server, name = stack.of(RedisServer), key()
        assert server.port != bed.hop.port
        await bed.redis().mset({f"{name}:a": "a", f"{name}:b": "b"})
        rule = await bed.arm(Late(), "answered", "GET")
        reader, writer = await asyncio.open_connection("127.0.0.1", bed.hop.port)
        writer.write(f"GET {name}:a\r\n".encode())
        await bed.fired(rule)
        writer.write(f"GET {name}:b\r\n".encode())
        assert await asyncio.wait_for(reader.readexactly(14), 10) == b"$1\r\na\r\n$1\r\nb\r\n"
        writer.close()
        await writer.wait_closed()


@pytest.mark.asyncio
async def test_a_held_reply_runs_into_the_clients_own_time_limit(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        client, name = bed.redis(timeout_s=1), key()  # in which a busy machine connects, too
        await client.ping()
        await bed.arm(Hold(), "answered", "SET")
        with pytest.raises(RedisTimeoutError):
            await client.set(name, "1")
        assert await bed.redis().get(name) == b"1"
