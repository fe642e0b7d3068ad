"""The clients' HTTP when the service answers early, late, or ends the connection: what is lacking, and what is left."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
from contextlib import suppress

import pytest

from harness.polling import poll
from harness.stack.http.client import (
    AN_END,
    BrokenOffError,
    HttpClient,
)
from harness.stack.http.connection import Connection
from harness.stack.http.owed import A_WORD_OF_THE_END, AN_ANSWER_AHEAD, AN_ANSWER_TO_THE_NEXT, AN_ORDERLY_END
from harness.stack.tcp.sockets import half_closed
from harness.target.sender import Then
from tests.scenario.http_services import DELIVERY, FAILED, LAST, OK, serving, serving_by

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

    async with serving_by(serve) as port, HttpClient(keep_alive=False) as client:
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

    async with serving_by(serve) as port, HttpClient(keep_alive=False) as client:
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

    async with serving_by(serve) as port:
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
    async with serving_by(serve) as port, HttpClient(keep_alive=False) as client:
        assert (await client.request(port, asking)).body == b"done"
        assert await asyncio.wait_for(bodies.get(), 5) == (DELIVERY.body if wanted else b"")


@pytest.mark.asyncio
async def test_a_service_that_ends_the_connection_over_a_part_says_so() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(9)
        writer.write(OK)

    part = dataclasses.replace(DELIVERY, sent_bytes=9)
    async with serving_by(serve) as port, HttpClient(keep_alive=True) as client:
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


PIPELINED = dataclasses.replace(DELIVERY, then=Then(b"no request", ahead_paths=("/alive", "/alive")))


async def _all_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *answers: bytes) -> None:
    """Give these answers once all three requests are there, with what is behind them."""
    await reader.readuntil(b"no request")
    for answer in answers:
        writer.write(answer)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("first", "lacks"), [(ALIVE, ()), (FAILED, (f"{AN_ANSWER_AHEAD}: status 500",))], ids=["good", "failed"]
)
async def test_requests_ahead_have_answers_of_their_own(first: bytes, lacks: tuple[str, ...]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _all_at_once(reader, writer, first, ALIVE, LAST)

    async with serving_by(serve) as port, HttpClient(keep_alive=False) as client:
        answer = await client.request(port, PIPELINED)
    assert (answer.body, answer.lacks) == (b"done", lacks)


@pytest.mark.asyncio
@pytest.mark.parametrize("answers", [(ALIVE, ALIVE), (ALIVE, LAST, ALIVE)], ids=["one too few", "last too early"])
async def test_an_answer_to_a_request_ahead_is_not_taken_for_the_last_one(answers: tuple[bytes, ...]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _all_at_once(reader, writer, *answers)

    async with serving_by(serve) as port, HttpClient(keep_alive=False) as client:
        with pytest.raises(BrokenOffError):
            await client.request(port, PIPELINED)
