"""A service that gives its own ids, and changes and removes what it keeps.

CHANGES=kept: it does as it says. told: it says so, and does nothing.
refused: it says "not now", and does it all the same. twice: it does it, and a second time, as if the first answer of
its database had been lost. GIVES=one: it gives the same id to all. VERSIONS=on: a change has to name the version.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import asyncpg

TABLES = (
    "CREATE TABLE IF NOT EXISTS kept (number bigserial, id text PRIMARY KEY, digest text, here boolean DEFAULT true,"
    " version int DEFAULT 1)"
)
STORE = (
    "WITH new AS (INSERT INTO kept (id, digest) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING number)"
    " SELECT number FROM new UNION SELECT number FROM kept WHERE id = $1"
)


class Amending:
    """A connection for each request."""

    def __init__(self) -> None:
        self._changes = os.environ.get("CHANGES", "kept")
        self._versions = os.environ.get("VERSIONS") == "on"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, path, _ = first.split()
        named = headers.get("if-match", "")
        try:
            status, text, *tag = await self._answer(method, path, hashlib.sha256(body).hexdigest(), named)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            status, text, *tag = 503, "not now"
        more = "".join(f'ETag: "{each}"\r\n' for each in tag if self._versions)
        head = f"HTTP/1.1 {status} X\r\n{more}Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        writer.write(f"{head}{text}".encode())
        await writer.drain()
        writer.close()

    async def _answer(self, method: str, path: str, digest: str, named: str) -> Sequence[Any]:
        """Return the status, the text, and perhaps the version. `named`: the version that the request names."""
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
            if method == "GET":
                return await self._shown(postgres, int(name))
            status = await self._change(postgres, method, int(name), digest, named)
            if self._changes == "twice":
                status = await self._change(postgres, method, int(name), digest, named)
            return status, "done"
        finally:
            await postgres.close()

    async def _page(self, postgres: asyncpg.Connection, after: int) -> tuple[int, str]:
        sql = "SELECT number, digest FROM kept WHERE here AND number > $1 ORDER BY number LIMIT 3"
        rows = await postgres.fetch(sql, after)
        more = f"next /after/{rows[-1]['number']}\n" if rows else ""
        return 200, "".join(f"row {row['number']} {row['digest']}\n" for row in rows) + more

    async def _shown(self, postgres: asyncpg.Connection, number: int) -> Sequence[Any]:
        found = await postgres.fetchrow("SELECT digest, version FROM kept WHERE here AND number = $1", number)
        return (410, "gone") if found is None else (200, f"shows {found['digest']}", found["version"])

    async def _change(self, postgres: asyncpg.Connection, method: str, number: int, digest: str, named: str) -> int:
        if self._changes == "told":
            return 200
        sets = "here = false" if method == "DELETE" else f"digest = '{digest}'"
        where = "here AND number = $1 AND ($2 = '' OR version::text = $2)"
        sql = f"UPDATE kept SET {sets}, version = version + 1 WHERE {where}"  # noqa: S608  # hex
        done = await postgres.execute(sql, number, named.strip('"'))
        if self._versions and (not named or done == "UPDATE 0"):
            return 412 if named else 428
        return 503 if self._changes == "refused" else 200


async def main() -> None:
    postgres = await asyncpg.connect(os.environ["DATABASE_URL"])
    await postgres.execute(TABLES)
    await postgres.close()
    server = await asyncio.start_server(Amending().serve, "127.0.0.1", int(sys.argv[1]))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
