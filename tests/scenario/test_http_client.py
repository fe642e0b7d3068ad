"""The clients' HTTP: which connection a request takes, and how it ends when the service does not answer."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket

import pytest

from harness.polling import poll_async
from harness.stack.http.client import (
    AN_END,
    AN_OPEN_CONNECTION,
    BrokenOffError,
    HttpClient,
    HungUpError,
    NotConnectedError,
)
from harness.stack.http.connection import with_pauses
from harness.stack.tcp.sockets import connections, kept_open
from harness.target import OutgoingRequest
from tests.scenario.http_services import CHUNKED, DELIVERY, FAILED, HALF, LAST, OK, UNTIL_CLOSED, closed, serving

LATE_S = 0.2


async def _gone(port: int, ports: list[int]) -> bool:
    return not kept_open(port, ports)


@pytest.mark.asyncio
async def test_a_request_is_sent_whole_and_its_answer_comes_whole() -> None:
    async with serving(OK) as service, HttpClient(keep_alive=False) as client:
        response = await client.request(service.port, DELIVERY)
    assert (response.status, response.body) == (200, b"done")
    head = service.heads[0]
    assert head.startswith(b"POST /hook HTTP/1.1\r\n")
    assert b"x-signature: abc\r\n" in head
    assert f"host: 127.0.0.1:{service.port}\r\n".encode() in head


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [CHUNKED, UNTIL_CLOSED], ids=["chunked", "until closed"])
async def test_an_answer_without_a_length(answer: bytes) -> None:
    async with serving(answer) as service, HttpClient(keep_alive=True) as client:
        assert (await client.request(service.port, DELIVERY)).body == b"done"


@pytest.mark.asyncio
@pytest.mark.parametrize(("keep_alive", "connections"), [(True, 1), (False, 3)], ids=["kept", "of its own"])
async def test_which_connection_the_next_request_takes(keep_alive: bool, connections: int) -> None:
    async with serving(OK, OK, OK) as service, HttpClient(keep_alive=keep_alive) as client:
        for _ in range(3):
            await client.request(service.port, DELIVERY)
    assert service.connections == connections


@pytest.mark.asyncio
async def test_a_connection_that_failed_or_was_closed_is_not_used_again() -> None:
    async with serving(FAILED, UNTIL_CLOSED, OK) as service, HttpClient(keep_alive=True) as client:
        statuses = [(await client.request(service.port, DELIVERY)).status for _ in range(3)]
    assert statuses == [500, 200, 200]
    assert service.connections == 3


@pytest.mark.asyncio
async def test_requests_at_once_have_a_connection_each() -> None:
    async with serving(OK, OK) as service, HttpClient(keep_alive=True) as client:
        await asyncio.gather(*(client.request(service.port, DELIVERY) for _ in range(2)))
    assert service.connections == 2


@pytest.mark.asyncio
async def test_where_nothing_listens_the_request_was_never_received() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        async with HttpClient(keep_alive=False) as client:
            with pytest.raises(NotConnectedError, match="Refused"):
                await client.request(bound.getsockname()[1], DELIVERY)


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [b"", HALF, b"no HTTP\r\n\r\n"], ids=["none", "half", "nonsense"])
async def test_an_answer_that_does_not_come_whole_is_broken_off(answer: bytes) -> None:
    async with serving(answer) as service, HttpClient(keep_alive=True) as client:
        with pytest.raises(BrokenOffError):
            await client.request(service.port, DELIVERY)


@pytest.mark.asyncio
async def test_a_request_that_is_given_up_ends_when_its_socket_is_closed() -> None:
    ports: list[int] = []
    async with serving(b"silence") as service, HttpClient(keep_alive=True) as client:
        sending = asyncio.create_task(client.request(service.port, DELIVERY, connected=ports.append))
        await asyncio.wait_for(service.received.wait(), 5)
        assert [each.local.port for each in connections([os.getpid()], service.port)] == ports
        assert kept_open(service.port, ports)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert connections([os.getpid()], service.port) == ()
        await asyncio.wait_for(service.ended.wait(), 5)
    assert not kept_open(service.port, ports)


@pytest.mark.asyncio
async def test_a_body_in_chunks_says_no_length_and_has_trailers() -> None:
    seen: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(await reader.readuntil(b"\r\nx-end: 1\r\n\r\n"))
        writer.write(OK)
        await closed(writer)

    chunked = OutgoingRequest("POST", "/hook", {"transfer-encoding": "chunked"}, b"abc", {"x-end": "1"})
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, HttpClient(keep_alive=False) as client:
        assert (await client.request(server.sockets[0].getsockname()[1], chunked)).body == b"done"
    head, _, body = (await seen).partition(b"\r\n\r\n")
    assert b"content-length" not in head
    assert body == b"3\r\nabc\r\n0\r\nx-end: 1\r\n\r\n"


@pytest.mark.asyncio
async def test_a_service_that_ends_a_kept_connection_lacks_it() -> None:
    """It said nothing against using it again, so the next request was owed it."""
    async with serving(OK, OK) as service, HttpClient(keep_alive=True) as client:
        ports: list[int] = []
        first = await client.request(service.port, DELIVERY, connected=ports.append)
        service.close()
        assert await poll_async(lambda: _gone(service.port, ports), within_s=5)
        second = await client.request(service.port, DELIVERY)
    assert (first.lacks, second.lacks) == ((), (AN_OPEN_CONNECTION,))


@pytest.mark.asyncio
async def test_nobody_knows_how_long_a_connection_was_idle_whose_answer_came_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client may have read it late: the service then has ended the connection in its own good time."""
    monkeypatch.setattr("harness.stack.http.client.IDLE_MAX_S", LATE_S / 2)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(LATE_S)
        writer.write(OK)
        await closed(writer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, HttpClient(keep_alive=True) as client:
        port = server.sockets[0].getsockname()[1]
        ports: list[int] = []
        await client.request(port, DELIVERY, connected=ports.append)
        assert await poll_async(lambda: _gone(port, ports), within_s=5)
        assert (await client.request(port, DELIVERY)).lacks == ()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answers", "lacks"), [([UNTIL_CLOSED], ()), ([OK, b"silence"], (AN_END,))], ids=["ends", "stays"]
)
async def test_after_connection_close_the_service_ends_the_connection(
    answers: list[bytes], lacks: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.stack.http.owed.CLOSES_WITHIN_S", 0.2)
    last = dataclasses.replace(DELIVERY, headers={"connection": "close"})
    async with serving(*answers) as service, HttpClient(keep_alive=True) as client:
        assert (await client.request(service.port, last)).lacks == lacks


@pytest.mark.asyncio
@pytest.mark.parametrize("ends", [True, False])
async def test_a_part_of_a_request_is_all_that_is_sent_of_it(ends: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client keeps the connection open: the service owes its end, or would take the rest for a request."""
    seen: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(await reader.readexactly(9))
        writer.write(LAST)
        if not ends:
            await reader.read()
        await closed(writer)

    monkeypatch.setattr("harness.stack.http.owed.CLOSES_WITHIN_S", 5 if ends else 0.2)
    part = dataclasses.replace(DELIVERY, sent_bytes=9)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, HttpClient(keep_alive=True) as client:
        answer = await client.request(server.sockets[0].getsockname()[1], part)
    assert (answer.body, answer.lacks) == (b"done", () if ends else (AN_END,))
    assert await seen == b"POST /hoo"


@pytest.mark.asyncio
async def test_a_slow_client_sends_half_a_head_then_half_a_body_then_the_rest() -> None:
    async with serving(OK) as service, HttpClient(keep_alive=False) as client:
        slow = dataclasses.replace(DELIVERY, pause_s=0.05)
        assert (await client.request(service.port, slow)).body == b"done"
    assert service.heads[0].startswith(b"POST /hook HTTP/1.1\r\n")
    assert with_pauses([b"headhead", b"body"], 0.05) == [b"head", b"headbo", b"dy"]


@pytest.mark.asyncio
async def test_a_request_may_come_drop_by_drop_until_it_is_answered() -> None:
    seen: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(await reader.readexactly(12))
        writer.write(LAST)
        await closed(writer)

    part = dataclasses.replace(DELIVERY, sent_bytes=9, trickle_s=0.01)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, HttpClient(keep_alive=True) as client:
        answer = await client.request(server.sockets[0].getsockname()[1], part)
    assert answer.body == b"done"
    assert await seen == b"POST /hook H"


@pytest.mark.asyncio
async def test_a_client_that_hangs_up_in_the_middle_has_no_answer() -> None:
    seen: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(await reader.read())
        await closed(writer)

    part = dataclasses.replace(DELIVERY, sent_bytes=9, hangs_up=True)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, HttpClient(keep_alive=True) as client:
        with pytest.raises(HungUpError):
            await client.request(server.sockets[0].getsockname()[1], part)
        assert await asyncio.wait_for(seen, 20) == b"POST /hoo"
