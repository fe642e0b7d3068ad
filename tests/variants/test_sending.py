"""Bytes over a real socket: which answers are read, and what counts as none."""

from __future__ import annotations

import asyncio

import pytest

from harness.engine.variants.raw import RawRequest
from harness.engine.variants.sending import CLOSED, SILENT, RawAnswer, answer_of


async def _answered(said: bytes, *, closes: bool = True, method: bytes = b"POST", within_s: float = 60) -> RawAnswer:
    """The answer of a server that says this to whatever comes; it closes then, or waits for the client to."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        if not closes:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        request = RawRequest(method, b"/", b"HTTP/1.1", ((b"content-length", b"0"),), b"")
        return await answer_of(server.sockets[0].getsockname()[1], request, within_s=within_s)


def answered(said: bytes, *, closes: bool = True, method: bytes = b"POST", within_s: float = 60) -> RawAnswer:
    return asyncio.run(_answered(said, closes=closes, method=method, within_s=within_s))


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 400 No\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n", 204, b""),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", 200, b"to the end"),
    ],
)
def test_the_first_answer_is_read(said: bytes, status: int, body: bytes) -> None:
    got = answered(said)
    assert (got.status, got.body) == (status, body)


def test_an_answer_to_head_has_no_body() -> None:
    got = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", closes=False, method=b"HEAD")
    assert (got.status, got.body, got.value("content-length")) == (200, b"", "5")


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx", b"no"]
)
def test_a_part_of_an_answer_is_none(said: bytes) -> None:
    assert answered(said) == CLOSED


def test_silence_ends() -> None:
    assert answered(b"", closes=False, within_s=0.01) == SILENT
