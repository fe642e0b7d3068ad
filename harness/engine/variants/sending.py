"""Sends the bytes of one request over a separate connection, and reads one answer."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass

from harness.engine.variants.raw import RawRequest

HEAD_BYTES_MAX = 1 << 18


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer. `status` 0: there was none, and `body` says why."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def value(self, name: str) -> str:
        """The value of the first header of that name; empty if there is none."""
        return next((value for key, value in self.headers if key == name), "")


CLOSED = RawAnswer(0, (), b"closed")
"""The connection ended before a whole answer came. A reset counts as the same, because it is chance which of the two
comes."""
SILENT = RawAnswer(0, (), b"no answer in time")


async def answer_of(port: int, request: RawRequest, *, within_s: float, host: str = "127.0.0.1") -> RawAnswer:
    """Send the request and return the first answer except `100 Continue`. Raises OSError if nothing listens."""
    reader, writer = await asyncio.open_connection(host, port, limit=HEAD_BYTES_MAX)
    try:
        async with asyncio.timeout(within_s):
            writer.write(bytes(request))
            if request.ends:
                writer.write_eof()
            return await _read(reader, bodiless=request.method == b"HEAD")
    except TimeoutError:
        return SILENT
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        return CLOSED
    finally:
        # The connection is not closed: unread bytes would only wait.
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _read(reader: asyncio.StreamReader, *, bodiless: bool) -> RawAnswer:
    """Read a whole answer. Raises ValueError for bytes that are not an answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    status = int(first.split(" ", 2)[1])
    if status // 100 == 1 and status != 101:
        return await _read(reader, bodiless=bodiless)
    pairs = (line.partition(":") for line in lines)
    answer = RawAnswer(status, tuple((name.strip().lower(), value.strip()) for name, _, value in pairs), b"")
    if bodiless or status in (101, 204, 304):
        return answer
    return RawAnswer(status, answer.headers, await _body(reader, answer))


async def _body(reader: asyncio.StreamReader, answer: RawAnswer) -> bytes:
    if "chunked" in answer.value("transfer-encoding"):
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        return body
    length = answer.value("content-length")
    return await (reader.readexactly(int(length)) if re.fullmatch("[0-9]+", length) else reader.read())
