"""A service with the defect that a late reply finds out: it uses a connection again on which a reply is still due.

It stores what it is sent, has Redis say the body's digest, and answers with what Redis said.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import sys
from urllib.parse import urlsplit

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

INSERT = "INSERT INTO deliveries (source, id, sha256, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
PATIENCE_S = 0.5


class Mixing:
    """One connection to each server, taken in turns."""

    def __init__(
        self, postgres: asyncpg.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._postgres = postgres
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    async def take(self, request: Request) -> Response:
        body = await request.body()
        digest = hashlib.sha256(body).hexdigest()
        async with self._turn:
            await self._postgres.execute(
                INSERT, *request.path_params.values(), request.headers["webhook-id"], digest, body
            )
            return PlainTextResponse(await self._said_by_redis(digest))

    async def _said_by_redis(self, digest: str) -> str:
        self._writer.write(b"ECHO %s\r\n" % digest.encode())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._reader.readline()
                return (await self._reader.readline()).decode().strip()
        except TimeoutError:
            return digest


class Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        sys.stdout.write(json.dumps({"event": "listening", "port": port}) + "\n")
        sys.stdout.flush()


async def alive(_: Request) -> Response:
    return PlainTextResponse("alive")


async def serve() -> None:
    redis = urlsplit(os.environ["REDIS_URL"])
    postgres = await asyncpg.connect(os.environ["DATABASE_URL"])
    mixing = Mixing(postgres, *await asyncio.open_connection(redis.hostname, redis.port))
    routes = [Route("/healthz", alive), Route("/webhooks/{source}", mixing.take, methods=["POST"])]
    await Server(uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=0, log_level="warning")).serve()


if __name__ == "__main__":
    asyncio.run(serve())
