# /// script
# requires-python = ">=3.11"
# dependencies = ["asyncpg", "nats-py==2.16.0", "starlette", "uvicorn"]
# ///
"""A service behind a queue: an order is acknowledged once JetStream has it, and a worker stores it in PostgreSQL.

JetStream gives a message again until the worker says that it is stored. So each is stored at least once, and its key
makes that once. JetStream knows an order by its id, too, so that a publication may be repeated.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import time

import asyncpg
import nats
import uvicorn
from nats.errors import Error
from nats.errors import TimeoutError as NoAnswer
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig
from nats.js.errors import ServiceUnavailableError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

STREAM, WORKER = "ORDERS", "worker"
TABLE = "CREATE TABLE orders (id text PRIMARY KEY, digest text NOT NULL)"
INSERT = "INSERT INTO orders VALUES ($1, $2) ON CONFLICT DO NOTHING"
ANSWER_WITHIN_S = 4.0
CONNECTED_WITHIN_S = 1.0
TRY_S = 0.5
GIVEN_AGAIN_AFTER_S = 2.0
PAUSE_S = 0.1
# A pool may raise InternalClientError when it takes back a connection that the server has just closed. This class is
# neither a PostgresError nor an InterfaceError (MagicStack/asyncpg#784): without it here the worker ended silently.
LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Queue:
    """The orders on their way."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._nats = nats.NATS()
        self.stream: JetStreamContext

    async def open(self) -> None:
        """Connect, however long that takes, and make the stream."""
        while True:
            try:
                await self._nats.connect(
                    self._url,
                    connect_timeout=1,
                    reconnect_time_wait=PAUSE_S,
                    max_reconnect_attempts=-1,
                    ping_interval=1,
                    max_outstanding_pings=1,
                    allow_reconnect=True,
                    error_cb=said,
                )
                self.stream = self._nats.jetstream(timeout=TRY_S)
                await self.stream.add_stream(name=STREAM, subjects=["orders.*"])
            except (Error, OSError) as problem:
                await said(problem)
                await asyncio.sleep(PAUSE_S)
            else:
                return

    async def put(self, order: str, body: bytes) -> Response:
        """Have JetStream keep it."""
        ends = time.monotonic() + ANSWER_WITHIN_S
        sent = False
        while time.monotonic() < ends:
            if not self._nats.is_connected:
                if not sent and time.monotonic() > ends - ANSWER_WITHIN_S + CONNECTED_WITHIN_S:
                    return PlainTextResponse("not now", status_code=503)
                await asyncio.sleep(PAUSE_S / 4)
                continue
            try:
                await self.stream.publish(f"orders.{order}", body, timeout=TRY_S, headers={"Nats-Msg-Id": order})
            except (NoAnswer, ServiceUnavailableError, Error, OSError) as problem:
                sent = True
                await said(problem)
                await asyncio.sleep(PAUSE_S)
            else:
                return PlainTextResponse("taken")
        return PlainTextResponse("perhaps", status_code=504)


async def work(queue: Queue, pool: asyncpg.Pool) -> None:
    """Store what comes, and say so afterwards."""
    subscription = None
    while True:
        try:
            if subscription is None:
                keeps = ConsumerConfig(ack_wait=GIVEN_AGAIN_AFTER_S, max_deliver=-1)
                subscription = await queue.stream.pull_subscribe(
                    "orders.*", durable=WORKER, stream=STREAM, config=keeps
                )
            for message in await subscription.fetch(10, timeout=TRY_S):
                digest = hashlib.sha256(message.data).hexdigest()
                await pool.execute(INSERT, message.subject.partition(".")[2], digest, timeout=1)
                await message.ack()
        except NoAnswer:
            continue
        except (Error, *LOST) as problem:
            await said(problem)
            await asyncio.sleep(PAUSE_S)


async def said(problem: Exception) -> None:
    """Log it."""
    sys.stdout.write(f"warning: {type(problem).__name__}: {problem}\n")
    sys.stdout.flush()


async def serve() -> None:
    """Take orders until the process is asked to end."""
    queue = Queue(os.environ["NATS_URL"])
    ready = asyncio.Event()

    async def take(request: Request) -> Response:
        if not ready.is_set():
            return PlainTextResponse("not now", status_code=503)
        return await queue.put(request.path_params["id"], await request.body())

    async def alive(request: Request) -> Response:
        del request
        return PlainTextResponse("alive")

    async def run() -> None:
        async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=0, max_size=4, timeout=2) as pool:
            await queue.open()
            ready.set()
            await work(queue, pool)

    routes = [Route("/alive", alive), Route("/orders/{id}", take, methods=["PUT"])]
    config = uvicorn.Config(
        Starlette(routes=routes), host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning"
    )
    worker = asyncio.create_task(run())
    await uvicorn.Server(config).serve()
    worker.cancel()


async def prepare() -> None:
    """Make the table."""
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute(TABLE)
    await connection.close()


if __name__ == "__main__":
    asyncio.run(prepare() if "prepare" in sys.argv else serve())
