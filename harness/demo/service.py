"""A careless service: it takes orders over HTTP, knows repeats by Redis, and stores orders in PostgreSQL.

It works as long as nothing goes wrong. `harness demo` shows what becomes of its orders otherwise.
"""

import asyncio
import hashlib
import os
import sys
import traceback

import asyncpg
from redis.asyncio import Redis

TABLE = "CREATE TABLE orders (id text PRIMARY KEY, digest text NOT NULL)"
INSERT = "INSERT INTO orders VALUES ($1, $2)"


class Orders:
    """Takes an order once: Redis remembers its id, PostgreSQL keeps it."""

    def __init__(self, pool: asyncpg.Pool, redis: Redis) -> None:
        self._pool = pool
        self._redis = redis

    async def take(self, order: str, body: bytes) -> int:
        """Return the status of the answer."""
        if not await self._redis.set(order, 1, nx=True, ex=3600):
            return 200  # it was here before
        await self._pool.execute(INSERT, order, hashlib.sha256(body).hexdigest())
        return 201

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request of a connection, and close it."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path, _ = head.split(" ", 2)
            fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = await reader.readexactly(int(fields.get("content-length", "0")))
            status = 200
            if method == "PUT":
                try:
                    status = await self.take(path.rpartition("/")[2], body)
                except Exception:  # noqa: BLE001  # told, and answered with a 500
                    traceback.print_exc()
                    status = 500
            writer.write(b"HTTP/1.1 %d .\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
            await writer.drain()
        finally:
            writer.close()


async def prepare() -> None:
    """Make the table."""
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute(TABLE)
    await connection.close()


async def serve() -> None:
    """Serve at a free port, and say which."""
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=5)
    orders = Orders(pool, Redis.from_url(os.environ["REDIS_URL"]))
    server = await asyncio.start_server(orders.answer, "127.0.0.1", 0)
    sys.stdout.write(f"listening on port {server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(prepare() if "prepare" in sys.argv else serve())
