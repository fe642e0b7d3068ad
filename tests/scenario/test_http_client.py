"""The clients' HTTP: which connection a request takes, and how it ends when the service does not answer."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from harness.polling import poll, poll_async
from harness.stack.http.client import (
    AN_END,
    AN_OPEN_CONNECTION,
    BrokenOffError,
    HttpClient,
    HungUpError,
    NotConnectedError,
)
from harness.stack.http.connection import Connection, with_pauses
from harness.stack.http.owed import A_WORD_OF_THE_END, AN_ANSWER_TO_THE_NEXT, AN_ORDERLY_END
from harness.stack.tcp.sockets import connections, half_closed, kept_open
from harness.target import OutgoingRequest
from harness.target.sender import Then

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
            await _closed(writer)
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


async def _gone(port: int, ports: list[int]) -> bool:
    return not kept_open(port, ports)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


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
        await _closed(writer)

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
        await _closed(writer)

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
        await _closed(writer)

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
        await _closed(writer)

    part = dataclasses.replace(DELIVERY, sent_bytes=9, hangs_up=True)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, HttpClient(keep_alive=True) as client:
        with pytest.raises(HungUpError):
            await client.request(server.sockets[0].getsockname()[1], part)
        assert await asyncio.wait_for(seen, 5) == b"POST /hoo"


PART = dataclasses.replace(DELIVERY, body=b"x" * 100_000, sent_bytes=1_000, then=Then(rest=True, next_path="/alive"))
KEPT = b"HTTP/1.1 413 No\r\ncontent-length: 4\r\n\r\ndone"
ALIVE = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


async def _early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, says: bytes, then: str) -> None:
    """Answer before the body is in, and go on in one of these ways."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(says)
        if then == "resets":
            return
        await reader.readexactly(100_000)
        if then == "ends":
            return
        await reader.readuntil(b"\r\n\r\n")
        if then == "silent":
            await reader.read()
        writer.write(FAILED if then == "fails" else ALIVE)
        await writer.drain()


@asynccontextmanager
async def _serving(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """Serve each connection so, and give the port. At the end every connection is closed."""
    before = asyncio.all_tasks()

    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            await _closed(writer)

    async with await asyncio.start_server(serve_and_close, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        server.close()
        if under_way := asyncio.all_tasks() - before:
            await asyncio.wait(under_way)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("says", "then", "lacks"),
    [
        (KEPT, "answers", ()),
        (LAST, "ends", ()),
        (KEPT, "resets", (AN_ORDERLY_END,)),
        (LAST, "resets", (AN_ORDERLY_END,)),
        (KEPT, "ends", (A_WORD_OF_THE_END,)),
        (KEPT, "silent", (AN_ANSWER_TO_THE_NEXT,)),
        (KEPT, "fails", (f"{AN_ANSWER_TO_THE_NEXT}: status 500",)),
    ],
)
async def test_who_reads_late_still_gets_an_answer_to_this_and_to_the_next(
    says: bytes, then: str, lacks: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.stack.http.owed.TAKEN_WITHIN_S", 0.3 if then == "silent" else 5.0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _early(reader, writer, says=says, then=then)

    async with _serving(serve) as port, HttpClient(keep_alive=False) as client:
        answer = await client.request(port, PART)
    assert (answer.body, answer.lacks) == (b"done", lacks)


@pytest.mark.asyncio
@pytest.mark.parametrize("cuts", [True, False])
async def test_a_body_without_end_is_cut(cuts: bool) -> None:
    endless = dataclasses.replace(
        DELIVERY, headers={"transfer-encoding": "chunked"}, body=b"x" * 1_000, then=Then(on_bytes=2_000_000)
    )

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(KEPT)
            await reader.readexactly(1_000)
            while not cuts and await reader.read(1 << 16):
                pass
        writer.transport.abort()

    async with _serving(serve) as port, HttpClient(keep_alive=False) as client:
        answer = await client.request(port, endless)
    assert (answer.status, answer.lacks) == (413, () if cuts else (AN_END,))


@pytest.mark.asyncio
async def test_a_client_that_stays_keeps_the_connection_until_the_clients_end() -> None:
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(LAST)
        writer.write_eof()
        with suppress(ConnectionError):
            await reader.read()
        gone.set()
        writer.close()

    async with _serving(serve) as port:
        async with HttpClient(keep_alive=False) as client:
            await client.request(port, dataclasses.replace(DELIVERY, then=Then(stays=True)))
            assert await poll(lambda: half_closed(port) == 1, within_s=20)
            assert not gone.is_set()
        await asyncio.wait_for(gone.wait(), 20)
        assert await poll(lambda: half_closed(port) == 0, within_s=20)


@pytest.mark.asyncio
@pytest.mark.parametrize("wanted", [True, False])
async def test_who_asks_first_sends_the_body_only_if_it_is_wanted(wanted: bool) -> None:
    bodies: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" if wanted else LAST)
        bodies.put_nowait(await reader.readexactly(len(DELIVERY.body)) if wanted else await reader.read())
        writer.write(OK if wanted else b"")

    asking = dataclasses.replace(DELIVERY, headers={"expect": "100-continue"})
    async with _serving(serve) as port, HttpClient(keep_alive=False) as client:
        assert (await client.request(port, asking)).body == b"done"
        assert await asyncio.wait_for(bodies.get(), 5) == (DELIVERY.body if wanted else b"")


@pytest.mark.asyncio
async def test_a_service_that_ends_the_connection_over_a_part_says_so() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(9)
        writer.write(OK)

    part = dataclasses.replace(DELIVERY, sent_bytes=9)
    async with _serving(serve) as port, HttpClient(keep_alive=True) as client:
        assert (await client.request(port, part)).lacks == (A_WORD_OF_THE_END,)


@pytest.mark.asyncio
async def test_a_connection_that_has_just_been_ended_sends_nothing_more() -> None:
    """The service's end has come, and the socket is not closed yet."""
    async with serving() as service:
        made = await asyncio.get_running_loop().create_connection(
            lambda: Connection(service.port), "127.0.0.1", service.port
        )
        connection = made[1]
        connection.eof_received()
        for sends in (connection.exchange(DELIVERY), connection.ask("/"), connection.ask("/", nonsense=True)):
            with pytest.raises(BrokenOffError):
                await sends
        connection.close()
        await connection.lost
    assert service.heads == []


@pytest.mark.asyncio
async def test_who_gives_up_before_the_request_is_whole_leaves_no_error_behind() -> None:
    left: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: left.append(context))

    slow = dataclasses.replace(DELIVERY, pause_s=60)
    async with serving() as service, HttpClient(keep_alive=False) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.request(service.port, slow)
    gc.collect()
    assert left == []
