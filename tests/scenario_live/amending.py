"""A service that gives its own ids, and changes and removes what it keeps.

CHANGES=kept: it does as it says. told: it says so, and does nothing.
refused: it says "not now", and does it all the same. GIVES=one: it gives the same id to all.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys

import asyncpg

TABLES = (
    "CREATE TABLE IF NOT EXISTS kept (number bigserial, id text PRIMARY KEY, digest text, here boolean DEFAULT true)"
)
STORE = (
    "WITH new AS (INSERT INTO kept (id, digest) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING number)"
    " SELECT number FROM new UNION SELECT number FROM kept WHERE id = $1"
)


class Amending:
    """A connection for each request."""

    def __init__(self) -> None:
        self._changes = os.environ.get("CHANGES", "kept")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, path, _ = first.split()
        try:
            status, text = await self._answer(method, path, hashlib.sha256(body).hexdigest())
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            status, text = 503, "not now"
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode())
        await writer.drain()
        writer.close()

    async def _answer(self, method: str, path: str, digest: str) -> tuple[int, str]:
        if path == "/alive":
            return 200, "alive"
        postgres = await asyncpg.connect(os.environ["DATABASE_URL"])
        try:
            if path == "/kept":
                return await self._page(postgres, 0)
            kind, _, name = path.removeprefix("/").partition("/")
            if kind == "after":
                return await self._page(postgres, int(name))
            if method == "POST":
                number = await postgres.fetchval(STORE, name, digest)
                return 200, f"number {1 if os.environ.get('GIVES') == 'one' else number}"
            return await self._about(postgres, method, int(name), digest)
        finally:
            await postgres.close()

    async def _page(self, postgres: asyncpg.Connection, after: int) -> tuple[int, str]:
        sql = "SELECT number, digest FROM kept WHERE here AND number > $1 ORDER BY number LIMIT 3"
        rows = await postgres.fetch(sql, after)
        more = f"next /after/{rows[-1]['number']}\n" if rows else ""
        return 200, "".join(f"row {row['number']} {row['digest']}\n" for row in rows) + more

    async def _about(self, postgres: asyncpg.Connection, method: str, number: int, digest: str) -> tuple[int, str]:
        if method == "GET":
            found = await postgres.fetchval("SELECT digest FROM kept WHERE here AND number = $1", number)
            return (200, f"shows {found}") if found is not None else (410, "gone")
        if self._changes != "told":
            sets = "here = false" if method == "DELETE" else f"digest = '{digest}'"
            await postgres.execute(f"UPDATE kept SET {sets} WHERE here AND number = $1", number)  # noqa: S608  # hex
        return (503, "not now") if self._changes == "refused" else (200, "done")


async def main() -> None:
    postgres = await asyncpg.connect(os.environ["DATABASE_URL"])
    await postgres.execute(TABLES)
    await postgres.close()
    server = await asyncio.start_server(Amending().serve, "127.0.0.1", int(sys.argv[1]))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
