"""A service that charges, notes and stores: each delivery is charged over HTTP, noted over TCP, stored in PostgreSQL.

PAYING_RETRY=off: what failed on the way is not tried again. PAYING_FRESH=off: after an answer that made no sense the
same connection is used again. PAYING_NOTED=off: without the ledger it goes on. PAYING_PATIENCE_S: how long each of the
others may take.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import sys
from urllib.parse import urlsplit

import asyncpg
import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

TABLE = "CREATE TABLE stored (id text PRIMARY KEY, digest text NOT NULL)"
INSERT = "INSERT INTO stored VALUES ($1, $2) ON CONFLICT DO NOTHING"
PATIENCE_S = float(os.environ.get("PAYING_PATIENCE_S", "1"))
TRIES = 1 if os.environ.get("PAYING_RETRY") == "off" else 2
NOTED = os.environ.get("PAYING_NOTED") != "off"
FRESH = os.environ.get("PAYING_FRESH") != "off"


class NotNowError(Exception):
    """Something that the service depends on did not do its part."""


class Payments:
    """Charges over connections that are kept alive."""

    def __init__(self) -> None:
        self._client = self._new_client()

    def _new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=os.environ["PAYMENTS_URL"], timeout=PATIENCE_S, trust_env=False)

    async def charge(self, name: str) -> None:
        """Look what may be charged, which comes in chunks, and charge it."""
        await self._ask("GET", "/limits", expected='{"most": 100}')
        await self._ask("POST", "/charges", body={"id": name}, expected='{"charged": true}')

    async def _ask(self, method: str, path: str, *, expected: str, body: dict[str, str] | None = None) -> None:
        client = self._client
        try:
            answer = await client.request(method, path, json=body)
        except httpx.HTTPError as problem:
            raise NotNowError(f"the payment failed: {type(problem).__name__}: {problem}") from problem
        if not answer.is_success:
            raise NotNowError(f"the payment was answered with {answer.status_code}")
        if answer.text != expected:
            if FRESH and client is self._client:
                self._client = self._new_client()
                await client.aclose()
            raise NotNowError(f"the payment's answer makes no sense: {answer.text}")


class Ledger:
    """Notes each delivery as a line, which comes back when it was noted. One connection, taken in turns."""

    def __init__(self) -> None:
        self._address = urlsplit(os.environ["LEDGER_URL"])
        self._turn = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def note(self, name: str) -> None:
        async with self._turn:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    noted = await self._send(f"{name}\n".encode())
            except (OSError, TimeoutError) as problem:
                self._hang_up()
                raise NotNowError(f"the ledger failed: {type(problem).__name__}") from problem
            if noted != f"{name}\n".encode():
                self._hang_up()
                raise NotNowError("the ledger closed the connection")

    async def _send(self, line: bytes) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._address.hostname, self._address.port)
        reader, writer = self._streams
        writer.write(line)
        await writer.drain()
        return await reader.readline()

    def _hang_up(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Paying:
    """Takes deliveries."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._payments, self._ledger = Payments(), Ledger()

    async def take(self, request: Request) -> Response:
        name, digest = request.path_params["id"], hashlib.sha256(await request.body()).hexdigest()
        for left in reversed(range(TRIES)):
            try:
                await self._payments.charge(name)
                await self._note(name)
            except NotNowError as problem:
                sys.stdout.write(f"{'trying again' if left else 'error'}: {name}: {problem}\n")
                sys.stdout.flush()
            else:
                await self._pool.execute(INSERT, name, digest)
                return PlainTextResponse("stored")
        return PlainTextResponse("not now", status_code=503)

    async def _note(self, name: str) -> None:
        try:
            await self._ledger.note(name)
        except NotNowError as problem:
            if NOTED:
                raise
            sys.stdout.write(f"error: {name}: went on without the ledger: {problem}\n")
            sys.stdout.flush()


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
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute(TABLE)
    await connection.close()


async def serve() -> None:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=2) as pool:
        take = Route("/{source}/{id}", Paying(pool).take, methods=["POST"])
        application = Starlette(routes=[Route("/alive", alive), take])
        await Server(uvicorn.Config(application, host="127.0.0.1", port=0, log_level="warning")).serve()


if __name__ == "__main__":
    asyncio.run(prepare() if "prepare" in sys.argv else serve())
