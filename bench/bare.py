"""The minimal service, and the parts of the real one, added one by one.

It runs as a separate process: `python -m bench.bare`. BARE_RUNG selects the rung of the ladder; each rung has
everything of those below it. The row, the answer and the durability (answered after the COMMIT) are those of the
service.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import redis.asyncio
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn import Config, Server

from bench.rungs import Rung
from webhook.api.inspection import Inspector
from webhook.api.server import listen
from webhook.configuration.locations import signing_secrets
from webhook.database import dialect
from webhook.database.schema import INSERT_ONCE

CONNECTIONS = 5
INSERT = (
    "INSERT INTO deliveries (source, id, sha256, body) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (source, id) DO NOTHING RETURNING received_at"
)


Row = tuple[str, str, str, bytes]
Insert = Callable[[Row], Awaitable[datetime]]


async def _plain() -> Insert:
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=CONNECTIONS, max_size=CONNECTIONS)

    async def insert(row: Row) -> datetime:
        received_at: datetime = await pool.fetchval(INSERT, *row)
        return received_at

    return insert


async def _in_transaction() -> Insert:
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=CONNECTIONS, max_size=CONNECTIONS)

    async def insert(row: Row) -> datetime:
        async with pool.acquire() as connection, connection.transaction():
            received_at: datetime = await connection.fetchval(INSERT, *row)
        return received_at

    return insert


def _core(*, ping: bool) -> Insert:
    dialect.register()
    url = make_url(os.environ["DATABASE_URL"]).set(drivername=dialect.DRIVER)
    engine = create_async_engine(url, pool_size=CONNECTIONS, pool_use_lifo=True, pool_pre_ping=ping)

    async def insert(row: Row) -> datetime:
        values = dict(zip(("source", "id", "sha256", "body"), row, strict=True))
        async with engine.connect() as connection:
            received_at: datetime = (await connection.execute(INSERT_ONCE, values)).scalar_one()
            await connection.commit()
        return received_at

    return insert


async def _inserts(rung: Rung) -> Insert:
    if rung >= Rung.CORE:
        return _core(ping=rung >= Rung.PING)
    return await (_in_transaction() if rung >= Rung.TRANSACTION else _plain())


def _inspector() -> Inspector:
    keys = signing_secrets(os.environ["WEBHOOK_SECRETS"])
    return Inspector(keys=keys, body_limit_bytes=1 << 20, tolerance_s=300.0, clock=time.time)


class _Endpoint:
    def __init__(self, rung: Rung, insert: Insert) -> None:
        self._insert = insert
        self._inspector = _inspector() if rung >= Rung.CHECKED else None
        client = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"]) if rung >= Rung.REDIS else None
        self._redis: redis.asyncio.Redis | None = client

    async def __call__(self, request: Request) -> Response:
        row = await self._row(request)
        if self._redis is not None:
            await self._redis.set(f"seen:{row[0]}:{row[1]}", 1, nx=True, ex=86_400)
        received_at = await self._insert(row)
        answer: dict[str, Any] = {
            "source": row[0],
            "id": row[1],
            "sha256": row[2],
            "received_at": received_at.astimezone(UTC).isoformat(timespec="microseconds"),
        }
        return Response(json.dumps(answer, separators=(",", ":")).encode(), media_type="application/json")

    async def _row(self, request: Request) -> Row:
        source = request.path_params["source"]
        if self._inspector is None:
            body = await request.body()
            return source, request.headers["webhook-id"], hashlib.sha256(body).hexdigest(), body
        head = self._inspector.check_head(source, request.scope["headers"])
        delivery = self._inspector.accept(source, head, await request.body())
        return source, delivery.id, delivery.sha256, delivery.body


async def _serve(rung: Rung) -> None:
    endpoint = _Endpoint(rung, await _inserts(rung))

    async def receive(request: Request) -> Response:
        return await endpoint(request)

    application = Starlette(routes=[Route("/webhooks/{source}", receive, methods=["POST"])])
    config = Config(application, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False)
    listener = listen("127.0.0.1", 0)
    print(json.dumps({"event": "listening", "port": listener.getsockname()[1]}), flush=True)
    await Server(config).serve([listener])


if __name__ == "__main__":
    asyncio.run(_serve(Rung[os.environ.get("BARE_RUNG", "BARE")]))
