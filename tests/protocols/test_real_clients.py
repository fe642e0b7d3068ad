"""asyncpg and redis-py with the real servers, read on the way: each byte is known, each answer has its question."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import pytest
from redis.asyncio import Redis

from harness.protocols.contract.frames import GARBAGE, HEAD_MAX, Direction
from harness.protocols.contract.message import Conversation, Message
from harness.protocols.contract.speech import conversation
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.redis.server import RedisServer
from harness.stack import Stack

CHUNK = 1500  # small, so that messages are split


@dataclass
class Listener:
    """A byte pump that reads what it carries."""

    protocol: str
    upstream: int
    port: int = 0
    messages: list[list[Message]] = field(default_factory=list)  # of each connection
    talks: list[Conversation] = field(default_factory=list)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Listener]:
        carrying: set[asyncio.Task[None]] = set()

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            carrying.add(task := asyncio.ensure_future(self._carry(reader, writer)))
            task.add_done_callback(carrying.discard)

        server = await asyncio.start_server(carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
            async with asyncio.timeout(10):
                await asyncio.gather(*carrying)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.upstream)
        talk, heard = conversation(self.protocol), list[Message]()
        self.talks.append(talk)
        self.messages.append(heard)
        await asyncio.gather(
            self._pump(talk, heard, "sent", reader, back), self._pump(talk, heard, "answered", there, writer)
        )

    async def _pump(
        self,
        talk: Conversation,
        heard: list[Message],
        direction: Direction,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        understood = None
        while data := await reader.read(CHUNK):
            for span in talk.framers[direction].feed(data):
                if (span.last or len(span.frame.head) == HEAD_MAX) and span.frame is not understood:
                    understood = span.frame
                    heard.append(talk.understand(direction, span.frame))
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()


def check(listener: Listener) -> None:
    """Every message is known, and every exchange that ran something ended once."""
    for talk, heard in zip(listener.talks, listener.messages, strict=True):
        assert not [each.name for each in heard if each.name == GARBAGE or each.name.startswith("type:")]
        asked = {each.exchange for each in heard if each.direction == "sent" and each.exchange}
        ended = [each.exchange for each in heard if each.ends_answer]
        assert sorted(asked) == ended
        assert talk.unanswered(1 << 30) == 0


async def use_postgres(url: str, port: int) -> None:
    connection = await asyncpg.connect(url, host="127.0.0.1", port=port)
    heard = asyncio.Event()
    await connection.add_listener("wire_tests", lambda *_: heard.set())
    await connection.execute("CREATE TEMP TABLE t (id int PRIMARY KEY, body text); SELECT 1")
    async with connection.transaction():
        await connection.execute("INSERT INTO t VALUES ($1, $2)", 0, "x" * 300_000)
        assert len([row async for row in connection.cursor("SELECT generate_series(1, 200)", prefetch=50)]) == 200
    await connection.executemany("INSERT INTO t VALUES ($1, $2)", [(n, str(n)) for n in range(1, 200)])
    for _ in range(2):
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.executemany("INSERT INTO t VALUES ($1, $2)", [(500, ""), (1, ""), (501, "")])
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await connection.fetch("SELEKT $1", 1)
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await connection.execute("SELECT 1; SELEKT")
    await connection.copy_records_to_table("t", records=[(n, "copied") for n in range(1000, 4000)])
    with pytest.raises(asyncpg.BadCopyFileFormatError):
        await connection.copy_to_table("t", source=io.BytesIO(b"1\t2\t3\n"))
    await connection.copy_from_query("SELECT * FROM t", output=io.BytesIO())
    await connection.execute("NOTIFY wire_tests, 'hello'")
    async with asyncio.timeout(10):
        await heard.wait()
    await connection.reset()
    await connection.close()


async def use_redis(port: int, protocol: int) -> None:
    async with Redis(host="127.0.0.1", port=port, protocol=protocol) as redis:
        await redis.set("wire:a", "x" * 300_000, ex=60)
        assert len(await redis.get("wire:a") or b"") == 300_000
        await redis.hset("wire:h", mapping={str(n): n for n in range(500)})
        assert len(await redis.hgetall("wire:h")) == 500
        async with redis.pipeline(transaction=True) as pipe:
            queued = pipe.incr("wire:n"), pipe.zadd("wire:z", {"m": 1.5}), pipe.zrange("wire:z", 0, -1, withscores=True)
            assert len(await pipe.execute()) == len(queued)
        async with redis.pipeline(transaction=False) as pipe:
            commands = tuple(pipe.set(f"wire:{n}", n) for n in range(100))
            assert len(await pipe.execute()) == len(commands)
        assert await redis.eval("return {1, {'two', {3}}, redis.status_reply('ok'), false}", 0)
        async with redis.pubsub() as listening:
            await listening.subscribe("wire:c", "wire:d")
            await listening.psubscribe("wire:*")
            while (message := await listening.get_message(timeout=10)) is not None and message["type"] != "psubscribe":
                pass
            await redis.publish("wire:c", "hello")
            assert (await listening.get_message(timeout=10) or {})["type"] == "message"
            await listening.unsubscribe()
            await listening.punsubscribe()
            kinds = [(await listening.get_message(timeout=10) or {})["type"] for _ in range(4)]
            assert kinds == ["pmessage", "unsubscribe", "unsubscribe", "punsubscribe"]


@pytest.mark.asyncio
async def test_all_that_asyncpg_says_is_understood(stack: Stack) -> None:
    listener = Listener("postgres", stack.of(PostgresServer).port)
    async with listener.listening():
        await use_postgres(stack.of(PostgresServer).url(), listener.port)
    check(listener)
    names = {each.name for heard in listener.messages for each in heard}
    assert {"PortalSuspended", "CopyOutResponse", "NotificationResponse", "CommandComplete"} <= names
    commits = {each.name for heard in listener.messages for each in heard if each.phase == "commit"}
    assert {"Query", "CommandComplete", "ReadyForQuery"} == commits
    (heard,) = listener.messages
    unknown = [each.name for each in heard if each.direction == "sent" and each.name == "Execute" and not each.text]
    assert not unknown
    aside = {each.name for each in heard[heard.index(_first_query(heard)) :] if not each.exchange}
    assert aside <= {"NotificationResponse", "ParameterStatus", "NoticeResponse", "Terminate", "CopyData", "CopyDone"}


def _first_query(heard: list[Message]) -> Message:
    return next(each for each in heard if each.runs)


@pytest.mark.asyncio
@pytest.mark.parametrize("protocol", [2, 3])
async def test_all_that_redis_py_says_is_understood(stack: Stack, protocol: int) -> None:
    listener = Listener("redis", stack.of(RedisServer).port)
    async with listener.listening():
        await use_redis(listener.port, protocol)
    check(listener)
    asides = [each.name for heard in listener.messages for each in heard if not each.exchange]
    assert asides == ["Array" if protocol == 2 else "Push"] * 2  # the message, and the same by its pattern
