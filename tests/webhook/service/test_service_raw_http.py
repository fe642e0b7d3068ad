"""Bytes that no HTTP client would send: a 4xx or a closed connection, nothing stored, and the service lives on."""

from __future__ import annotations

import asyncio
import re

import pytest

from harness.polling import poll, poll_async
from harness.stack.tcp.sockets import half_closed
from tests.webhook.support import PATIENT, WAIT_S, Service, Starter, digest, new_id, signed

HEAD = b"POST /webhooks/shop HTTP/1.1\r\nhost: x\r\n"


async def exchange(service: Service, sent: bytes, *, end: bool = False) -> bytes:
    """Send, and read until the service ends the connection, or has answered as often as it will."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    try:
        writer.write(sent)
        if end:
            writer.write_eof()
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def request(headers: dict[str, str], body: bytes, *extra: bytes) -> bytes:
    lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())
    return HEAD + lines + b"".join(line + b"\r\n" for line in extra) + b"\r\n" + body


def good(body: bytes = b"{}", *, connection: str = "close") -> dict[str, str]:
    return {**signed(new_id(), body), "connection": connection}


def chunked(body: bytes, size: int) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


NO_HTTP = {
    "garbage": b"\x00\xff\xfe garbage\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100,
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "nul in path": b"GET /webhooks/shop/a\x00b HTTP/1.1\r\nhost: x\r\n\r\n",
    "nul in header": HEAD + b"webhook-id: a\x00b\r\n\r\n",
    "no colon": HEAD + b"webhook-id\r\n\r\n",
    "negative length": HEAD + b"content-length: -1\r\n\r\n",
    "length in words": HEAD + b"content-length: ten\r\n\r\n",
    "length of 30 digits": HEAD + b"content-length: 999999999999999999999999999999\r\n\r\n",
    "two lengths": HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "length and chunks": HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "broken chunk": request(good(), b"zz\r\n{}\r\n0\r\n\r\n", b"transfer-encoding: chunked"),
    "websocket": b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "upgrade with a body": request(good(connection="upgrade"), b"{}", b"upgrade: x", b"content-length: 2"),
    "connect": b"CONNECT example:80 HTTP/1.1\r\nhost: x\r\n\r\n",
    "one huge header": HEAD + b"x: " + b"y" * 100_000 + b"\r\n\r\n",
    "a header without an end": HEAD + b"x: " + b"y" * 400_000,
    "many headers": HEAD + b"".join(b"x-%d: 1\r\n" % number for number in range(10_000)) + b"\r\n",
    "endless path": b"POST /" + b"a" * 400_000,
}


@pytest.mark.asyncio
async def test_what_is_not_http(starter: Starter) -> None:
    async with starter.running() as service:
        for name, sent in NO_HTTP.items():
            received = await exchange(service, sent)
            assert statuses(received), name
            assert all(400 <= status < 500 for status in statuses(received)), (name, received)
            assert (await service.deliver()).status_code == 200, name
        assert len(await service.database.stored()) == len(NO_HTTP)
        assert service.events("refused") == []


LENGTH = b"content-length: 2"
TOO_MUCH = b"content-length: 1048577"
UNSENT = {
    "two ids": (400, request(good(), b"{}", LENGTH, b"webhook-id: other")),
    "two signatures": (400, request(good(), b"{}", LENGTH, b"webhook-signature: v1,AAAA")),
    "not ASCII": (400, request({**good(), "webhook-signature": "v1,ключ"}, b"{}", LENGTH)),
    "too long": (413, request(good(), b"", TOO_MUCH)),
    "too long by far": (413, request(good(), b"", b"content-length: 99999999999")),
    "too long in chunks": (413, request(good(), chunked(b"x" * (1 << 21), 50_000), b"transfer-encoding: chunked")),
    "too long, and expecting": (413, request(good(), b"", TOO_MUCH, b"expect: 100-continue")),
}


@pytest.mark.asyncio
async def test_headers_that_a_client_would_not_send(starter: Starter) -> None:
    async with starter.running() as service:
        for name, (status, sent) in UNSENT.items():
            assert statuses(await exchange(service, sent)) == [status], name
        assert await service.database.stored() == []


@pytest.mark.asyncio
async def test_chunks_are_a_body_like_any_other(starter: Starter) -> None:
    body = b'{"in": "chunks"}'
    headers = good(body)
    async with starter.running() as service:
        received = await exchange(service, request(headers, chunked(body, 5), b"transfer-encoding: chunked"))
        assert statuses(received) == [200]
        assert await service.database.stored() == [(headers["webhook-id"], digest(body))]


LAST_CHUNK = b"2\r\n{}\r\n0\r\n"
OVER = 1 << 20
BETWEEN = {
    "many trailers": LAST_CHUNK + b"".join(b"x-%d: %s\r\n" % (number, b"y" * 1000) for number in range(OVER // 1000)),
    "one huge trailer": LAST_CHUNK + b"x: " + b"y" * OVER,
    "one huge extension": b"2;x=" + b"y" * OVER,
}


@pytest.mark.asyncio
@pytest.mark.parametrize("what", BETWEEN)
async def test_what_stands_around_the_chunks_is_bounded(starter: Starter, what: str) -> None:
    """It never ends: only the limit can end it, long before the time for the request does."""
    async with starter.running(**PATIENT) as service:
        received = await exchange(service, request(good(), BETWEEN[what], b"transfer-encoding: chunked"))
        assert statuses(received) == [431]
        assert await service.database.stored() == []
        assert (await service.deliver()).status_code == 200


@pytest.mark.asyncio
async def test_lines_without_an_end_between_two_requests_are_bounded(starter: Starter) -> None:
    async with starter.running(**PATIENT) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(request(good(connection="keep-alive"), b"{}", LENGTH))
        assert statuses(await reader.readuntil(b"}")) == [200]
        writer.write(b"\r\n" * OVER)
        async with asyncio.timeout(10):
            assert statuses(await reader.read()) == [431]
        writer.close()


@pytest.mark.asyncio
async def test_a_line_between_two_requests_does_not_keep_the_connection(starter: Starter) -> None:
    async with starter.running(WEBHOOK_HEADERS_TIMEOUT_S="0.2") as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(request(good(connection="keep-alive"), b"{}", LENGTH))
        assert statuses(await reader.readuntil(b"}")) == [200]
        writer.write(b"\r\n")
        async with asyncio.timeout(10):
            assert statuses(await reader.read()) == [408]
        writer.close()


@pytest.mark.asyncio
async def test_a_trailer_is_no_header(starter: Starter) -> None:
    """Neither in the place of one that is missing, nor as a second one."""
    extra = b"webhook-id: other\r\ncontent-encoding: gzip\r\n\r\n"
    unsigned = good()
    signature = unsigned.pop("webhook-signature")
    trailer = f"webhook-signature: {signature}\r\n\r\n".encode()
    async with starter.running() as service:
        taken = await exchange(service, request(good(), LAST_CHUNK + extra, b"transfer-encoding: chunked"))
        refused = await exchange(service, request(unsigned, LAST_CHUNK + trailer, b"transfer-encoding: chunked"))
        assert (statuses(taken), statuses(refused)) == ([200], [401])


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [400, 415])
async def test_garbage_in_a_body_is_answered_once_and_nothing_is_written_after_the_end(
    starter: Starter, status: int
) -> None:
    """The client stays: the application must hear that the body ended, and keep its answer to itself."""
    headers = good(connection="keep-alive") | ({"content-type": "text/plain"} if status == 415 else {})
    async with starter.running(WEBHOOK_REQUEST_TIMEOUT_S="0.3") as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(request(headers, b"2\r\n{}\r\n", b"transfer-encoding: chunked"))
        early = await reader.readuntil(b"}") if status == 415 else b""
        writer.write(b"zz\r\n")
        async with asyncio.timeout(10):
            assert statuses(early + await reader.read()) == [status]

        async def answered() -> bool:
            return await service.metric("webhook_requests_total") == 1

        assert await poll_async(answered, within_s=WAIT_S)
        assert "Traceback" not in service.process.log.read()
        assert (await service.deliver()).status_code == 200
        writer.close()


@pytest.mark.asyncio
async def test_garbage_in_the_second_does_not_take_the_answer_of_the_first(starter: Starter) -> None:
    first, second = signed(new_id(), b"{}"), good()
    sent = request(first, b"{}", LENGTH) + request(second, b"zz\r\n", b"transfer-encoding: chunked")
    async with starter.running() as service:
        assert statuses(await exchange(service, sent)) == [200]
        assert [stored for stored, _ in await service.database.stored()] == [first["webhook-id"]]
        assert "Traceback" not in service.process.log.read()


@pytest.mark.asyncio
async def test_a_body_that_ends_early_is_not_stored(starter: Starter) -> None:
    async with starter.running() as service:
        received = await exchange(service, request(good(), b"{", b"content-length: 2"), end=True)
        assert 200 not in statuses(received)
        assert await service.database.stored() == []
        assert (await service.deliver()).status_code == 200


@pytest.mark.asyncio
async def test_a_body_that_does_not_come_is_not_waited_for(starter: Starter) -> None:
    async with starter.running(WEBHOOK_REQUEST_TIMEOUT_S="0.2") as service:
        received = await exchange(service, request(good(), b"{", b"content-length: 2"))
        assert statuses(received) == [408]


@pytest.mark.asyncio
async def test_a_head_that_does_not_come_is_not_waited_for(starter: Starter) -> None:
    async with starter.running(WEBHOOK_HEADERS_TIMEOUT_S="0.2") as service:
        for sent in (b"", b"POST /webhooks/shop HTTP/1.1\r\nhost:"):
            assert statuses(await exchange(service, sent)) == [408]


MORE = b"x-more: " + b"y" * 33_000
REFUSED_IN_ITS_MIDDLE = {
    "head": HEAD + MORE + b"\r\n\r\n",
    "trailers": request(good(), b"2\r\n{}\r\n0\r\n" + MORE + b"\r\n\r\n", b"transfer-encoding: chunked"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("what", REFUSED_IN_ITS_MIDDLE)
async def test_who_is_refused_and_stays_is_let_go(starter: Starter, what: str) -> None:
    """It has its answer, and never closes its end: the service does not keep the connection for ever."""
    async with starter.running(WEBHOOK_HEADERS_TIMEOUT_S="1") as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(REFUSED_IN_ITS_MIDDLE[what])
        async with asyncio.timeout(WAIT_S):
            assert statuses(await reader.read()) == [431]
        assert await poll(lambda: half_closed(service.port) == 0, within_s=WAIT_S)
        writer.close()
        assert await service.database.stored() == []


@pytest.mark.asyncio
async def test_garbage_behind_a_delivery_does_not_take_its_answer(starter: Starter) -> None:
    """The delivery is stored, so the first answer must say so, though the garbage is seen before it is ready."""
    headers = signed(new_id(), b"{}")
    async with starter.running() as service:
        received = await exchange(service, request(headers, b"{}", b"content-length: 2") + b"\x00garbage\r\n\r\n")
        assert statuses(received) == [200]
        assert [stored for stored, _ in await service.database.stored()] == [headers["webhook-id"]]


@pytest.mark.asyncio
async def test_one_behind_the_other(starter: Starter) -> None:
    first, second = signed(new_id(), b"{}"), good()
    sent = b"".join(request(headers, b"{}", b"content-length: 2") for headers in (first, second))
    async with starter.running() as service:
        assert statuses(await exchange(service, sent)) == [200, 200]
        assert len(await service.database.stored()) == 2


@pytest.mark.asyncio
async def test_a_body_that_comes_on_after_its_time_does_not_cost_the_answer(starter: Starter) -> None:
    """The connection ends in order when the client has sent on: reset, its answer could be lost on the way."""
    async with starter.running(WEBHOOK_REQUEST_TIMEOUT_S="0.2") as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(request(good(connection="keep-alive"), b"{", b"content-length: 1000000"))
        answer = await reader.readuntil(b"}")
        assert statuses(answer) == [408]
        assert b"connection: close\r\n" in answer.lower()
        writer.write(b" " * 500_000)
        await writer.drain()
        writer.write(b" " * 499_999)
        await writer.drain()
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


@pytest.mark.asyncio
async def test_what_is_refused_before_its_body_was_asked_for_ends_the_connection_and_says_so(starter: Starter) -> None:
    unsigned = good(connection="keep-alive")
    del unsigned["webhook-signature"]
    async with starter.running() as service:
        received = await exchange(service, request(unsigned, b"", LENGTH, b"expect: 100-continue"))
        assert statuses(received) == [401]
        assert b"connection: close\r\n" in received.lower()
