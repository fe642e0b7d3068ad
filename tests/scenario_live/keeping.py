"""A service with an outbox: a delivery is stored with a row that a worker would pass on. It lists what it has stored.

OUTBOX=together: both rows in one transaction. apart: the outbox in a transaction of its own, after it. before: before.
STORE=no: it acknowledges, and stores nothing. other: another digest.
KEEPS: what it keeps of each request for ever: bodies, ids, descriptors, threads, processes, or files (in FILES).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import asyncpg

TABLES = (
    "CREATE TABLE IF NOT EXISTS kept (id text PRIMARY KEY, digest text); CREATE TABLE IF NOT EXISTS outbox (id text);"
    "CREATE SEQUENCE IF NOT EXISTS asked"
)
KEPT = "INSERT INTO kept VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id"
OUTBOX = "INSERT INTO outbox VALUES ($1)"
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


class Keeping:
    """A connection for each request."""

    def __init__(self) -> None:
        self._kept: list[object] = []

    async def store(self, name: str, digest: str) -> None:
        match os.environ.get("STORE"):
            case "no":
                return
            case "other":
                digest = digest[::-1]
        postgres = await asyncpg.connect(os.environ["DATABASE_URL"])
        try:
            await self._store(postgres, name, digest)
        finally:
            await postgres.close()

    async def _store(self, postgres: asyncpg.Connection, name: str, digest: str) -> None:
        match os.environ.get("OUTBOX", "together"):
            case "together":
                async with postgres.transaction():
                    if await postgres.fetchval(KEPT, name, digest):
                        await postgres.execute(OUTBOX, name)
            case "apart":
                if await postgres.fetchval(KEPT, name, digest):
                    await postgres.execute(OUTBOX, name)
            case _:
                if not await postgres.fetchval("SELECT id FROM kept WHERE id = $1", name):
                    await postgres.execute(OUTBOX, name)
                await postgres.execute(KEPT, name, digest)

    def keep(self, name: str, body: bytes) -> None:
        match os.environ.get("KEEPS"):
            case "bodies":
                self._kept.append(body * 16)
            case "ids":
                self._kept.append(f"{name} was kept")
            case "descriptors":
                self._kept.append(os.dup(0))
            case "threads":
                threading.Thread(target=threading.Event().wait, daemon=True).start()
            case "processes":
                self._kept.append(subprocess.Popen(["sleep", "600"]))
            case "files":
                Path(os.environ["FILES"], str(len(self._kept))).write_bytes(body)
                self._kept.append(None)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, path, _ = first.split()
        status, text = await self._answer(method, path, body)
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode())
        await writer.drain()
        writer.close()

    async def _answer(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        if path == "/alive":
            return 200, "alive"
        if path == "/kept":
            return await self._list()
        if method == "GET":
            return await self._show(path.rpartition("/")[2])
        try:
            await self.store(path.rpartition("/")[2], hashlib.sha256(body).hexdigest())
        except LOST as problem:
            sys.stdout.write(f"refused: {problem}\n")
            return 503, "not now"
        self.keep(path.rpartition("/")[2], body)
        return 200, "kept"

    async def _list(self) -> tuple[int, str]:
        postgres = await asyncpg.connect(os.environ["DATABASE_URL"])
        try:
            rows = await postgres.fetch("SELECT id, digest FROM kept")
        finally:
            await postgres.close()
        return 200, "".join(f"{row['id']} {row['digest']}\n" for row in rows)

    async def _show(self, name: str) -> tuple[int, str]:
        _, listed = await self._list()
        found = [line for line in listed.splitlines() if line.startswith(f"{name} ")]
        return (200, found[0]) if found else (404, "not kept")


async def main() -> None:
    postgres = await asyncpg.connect(os.environ["DATABASE_URL"])
    if not await postgres.fetchval("SELECT to_regclass('kept')"):
        await postgres.execute(TABLES)
    await postgres.close()
    server = await asyncio.start_server(Keeping().serve, "127.0.0.1", int(sys.argv[1]))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
