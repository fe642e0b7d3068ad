"""A service like many others: it is given its port, is up some time after it listens, and stores after its answer.

It answers 202 and puts the delivery into a queue in memory. It knows no SIGTERM: the signal ends it. A repeat is
answered 400 with a text.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys

import asyncpg

INSERT = "INSERT INTO deliveries (source, id, sha256, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
ALIVE_AFTER = 3
"""So many questions whether it is alive are answered 503 first."""


class Queueing:
    """One connection, one queue."""

    def __init__(self, postgres: asyncpg.Connection, delay_s: float) -> None:
        self._postgres = postgres
        self._delay_s = delay_s
        self._asked = 0
        self._known: set[tuple[str, str]] = set()
        self._queue: asyncio.Queue[tuple[str, str, bytes]] = asyncio.Queue()

    async def work(self) -> None:
        while True:
            source, delivery_id, body = await self._queue.get()
            await asyncio.sleep(self._delay_s)  # the work that such a service does first
            await self._postgres.execute(INSERT, source, delivery_id, hashlib.sha256(body).hexdigest(), body)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        status, text = self._answer(first.split()[1], headers, body)
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode())
        await writer.drain()
        writer.close()

    def _answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        if not path.startswith("/webhooks/"):
            self._asked += 1
            return (200, "alive") if self._asked > ALIVE_AFTER else (503, "not yet")
        key = (path.rpartition("/")[2], headers["webhook-id"])
        if key in self._known:
            return 400, "already known"
        self._known.add(key)
        self._queue.put_nowait((*key, body))
        return 202, "taken"


async def main() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    queueing = Queueing(await asyncpg.connect(os.environ["DATABASE_URL"]), float(os.environ["DELAY_S"]))
    server = await asyncio.start_server(queueing.serve, "127.0.0.1", int(sys.argv[1]))
    async with server, asyncio.TaskGroup() as tasks:
        tasks.create_task(queueing.work())


if __name__ == "__main__":
    asyncio.run(main())
