"""Services of the test's own for the HTTP client: each answers as it was told, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from harness.target import OutgoingRequest

DELIVERY = OutgoingRequest("POST", "/hook", {"x-signature": "abc"}, b'{"a": 1}')


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone"


LAST = b"HTTP/1.1 400 No\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone"


FAILED = b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n"


HALF = OK[:-2]


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\ndo\r\n2\r\nne\r\n0\r\n\r\n"


UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\n\r\ndone"


@dataclass
class Service:
    """Answers each request with the next of these bytes, and closes where there is none left for it."""

    answers: list[bytes]
    port: int = 0
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    received: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _open: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            await self._serve(reader, writer)
        finally:
            await closed(writer)
            del self._open[task]

    def close(self) -> None:
        """Close what is still open."""
        for writer in self._open.values():
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                await reader.readexactly(len(DELIVERY.body))
                self.received.set()
                answer = self.answers.pop(0)
                if answer == b"silence":
                    await reader.read()
                    break
                writer.write(answer)
                if answer in (b"", HALF, UNTIL_CLOSED):
                    break
        writer.close()
        self.ended.set()


@asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[Service]:
    service, before = Service(list(answers)), asyncio.all_tasks()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield service
        finally:
            server.close()
            # A server does not wait for its connections, not even for one that it is just accepting.
            while under_way := asyncio.all_tasks() - before:
                service.close()
                await asyncio.wait(under_way)


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@asynccontextmanager
async def serving_by(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """Serve each connection so, and give the port. At the end every connection is closed."""
    before = asyncio.all_tasks()

    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            await closed(writer)

    async with await asyncio.start_server(serve_and_close, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        server.close()
        if under_way := asyncio.all_tasks() - before:
            await asyncio.wait(under_way)
