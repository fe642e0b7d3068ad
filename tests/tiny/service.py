"""A service small enough to be read at a glance, for tests of the harness: it stores what it is sent.

TINY_RETRY=off: a lost connection is not replaced. TINY_KEEP=off: each delivery has a connection of its own.
TINY_STORE=off: it acknowledges, and stores nothing. TINY_SAME=off: what it is sent again it answers otherwise;
TINY_SAME=fails: with a 500.
TINY_RECONNECT=off: it keeps a connection that it has lost.
TINY_LATER=on: it acknowledges first, and stores a moment later. LEDGER_URL: it stores everything there, too.
TINY_LOOKS=on: it looks into its table before each delivery, and all the time.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import sys

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

TABLE = "CREATE TABLE stored (id text PRIMARY KEY, digest text NOT NULL)"
INSERT = "INSERT INTO stored VALUES ($1, $2) ON CONFLICT DO NOTHING"
LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError, OSError)


KEEPS_LOST = os.environ.get("TINY_RECONNECT") == "off"


class Store:
    """One connection, taken in turns."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()
        self._tries = 1 if os.environ.get("TINY_RETRY") == "off" else 2
        self.seen: set[str] = set()

    async def insert(self, name: str, digest: str) -> bool:
        async with self._turn:
            for left in reversed(range(self._tries)):
                try:
                    if self._connection is None:
                        self._connection = await asyncpg.connect(self._url)
                    await self._connection.execute(INSERT, name, digest)
                    if os.environ.get("TINY_KEEP") == "off":
                        connection, self._connection = self._connection, None
                        await connection.close()
                except LOST as problem:
                    what = "trying again" if left else "error"
                    sys.stdout.write(f"{what}: {name}: the connection was lost: {problem}\n")
                    sys.stdout.flush()
                    self._connection = self._connection if KEEPS_LOST else None
                else:
                    return True
            return False

    async def look(self) -> None:
        async with self._turn:
            if self._connection is not None:
                await self._connection.execute("SELECT count(*) FROM stored")


LATER_S = 0.1
LOOKS = os.environ.get("TINY_LOOKS") == "on"
later: set[asyncio.Task[object]] = set()
URLS = [os.environ[name] for name in ("DATABASE_URL", "LEDGER_URL") if name in os.environ]
store, *others = [Store(url) for url in URLS]


async def stored(name: str, digest: str) -> bool:
    if LOOKS:
        await store.look()
    return all([await each.insert(name, digest) for each in (store, *others)])


async def stored_later(name: str, digest: str) -> bool:
    await asyncio.sleep(LATER_S)
    return await stored(name, digest)


async def take(request: Request) -> Response:
    digest = hashlib.sha256(await request.body()).hexdigest()
    if os.environ.get("TINY_LATER") == "on":
        later.add(asyncio.create_task(stored_later(request.path_params["id"], digest)))
        return PlainTextResponse("stored")
    if os.environ.get("TINY_STORE") == "off" or await stored(request.path_params["id"], digest):
        again = request.path_params["id"] in store.seen
        store.seen.add(request.path_params["id"])
        same = os.environ.get("TINY_SAME") if again else None
        if same == "fails":
            return PlainTextResponse("duplicate key", status_code=500)
        return PlainTextResponse("stored again" if same == "off" else "stored")
    return PlainTextResponse("not now", status_code=503)


async def alive(request: Request) -> Response:
    del request
    return PlainTextResponse("alive")


class Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        sys.stdout.write(f"listening on port {port}\n")
        sys.stdout.flush()


async def prepare() -> None:
    for url in URLS:
        connection = await asyncpg.connect(url)
        await connection.execute(TABLE)
        await connection.close()


async def look_all_the_time() -> None:
    while True:
        await store.look()
        await asyncio.sleep(LATER_S / 10)


async def serve() -> None:
    if LOOKS:
        later.add(asyncio.create_task(look_all_the_time()))
    application = Starlette(routes=[Route("/alive", alive), Route("/{source}/{id}", take, methods=["POST"])])
    await Server(uvicorn.Config(application, host="127.0.0.1", port=0, log_level="warning")).serve()


if __name__ == "__main__":
    asyncio.run(prepare() if "prepare" in sys.argv else serve())
