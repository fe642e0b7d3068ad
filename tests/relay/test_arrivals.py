"""Hops that are laid before their server and its protocol are known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from harness.addresses import HostPort
from harness.polling import poll_async
from harness.relay import UNDECIDED, Cut, Ended, Hop, Known, Match, RelayControl, RelayServer, Rule
from tests.protocols.postgres import words as pg
from tests.relay.clients import WITHIN_S

PING = b"*1\r\n$4\r\nPING\r\n"
GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def server(greeting: bytes = b"") -> AsyncIterator[tuple[HostPort, list[bytes]]]:
    """A server that notes what it gets, and answers +PONG to it."""
    got: list[bytes] = []
    ended: list[asyncio.Future[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(b"")
        at = len(got) - 1
        ended.append(asyncio.get_running_loop().create_future())
        writer.write(greeting)
        while data := await reader.read(1000):
            got[at] += data
            writer.write(b"+PONG\r\n")
        writer.close()
        ended[at].set_result(None)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield HostPort(*listening.sockets[0].getsockname()), got
        for each in ended:
            await asyncio.wait_for(each, WITHIN_S)


@asynccontextmanager
async def client(hop: Hop) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", hop.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def accepted(got: list[bytes]) -> None:
    async def look() -> bool:
        return bool(got)

    assert await poll_async(look, within_s=WITHIN_S)


async def known(control: RelayControl) -> Known:
    found = await control.next_report(lambda report: isinstance(report, Known), WITHIN_S, since=0)
    assert isinstance(found, Known)
    return found


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("first", "protocol", "in_tls"),
    [
        (PING, "redis", False),
        (GET, "http", False),
        (pg.startup(), "postgres", False),
        (b"\x00\x00\x00\x08\x04\xd2\x16\x2f", "postgres", False),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "tcp", False),
        (b"\x16\x03\x01\x02\x00", "tcp", True),
        (b"PING\r\n", "tcp", False),
    ],
)
async def test_the_first_bytes_tell_the_protocol_and_pass(
    relay: RelayServer, first: bytes, protocol: str, in_tls: bool
) -> None:
    async with relay.control() as control, server() as (address, got):
        hop = await control.lay("new", protocol=UNDECIDED, upstream=None, tls="passed")
        async with client(hop) as (reader, writer):
            writer.write(first)
            await control.lead("new", address)
            told = await known(control)
            assert (told.hop, told.protocol, told.begins_in_tls) == ("new", protocol, in_tls)
            assert await asyncio.wait_for(reader.readexactly(7), WITHIN_S) == b"+PONG\r\n"
        assert got == [first]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("greeting", "protocol"), [(b"220 hello\r\n", "tcp"), (b'INFO {"server_id":"N"}\r\n', "nats"), (b"INFORM\n", "tcp")]
)
async def test_a_server_that_speaks_first_is_known_by_its_greeting(
    relay: RelayServer, greeting: bytes, protocol: str
) -> None:
    async with relay.control() as control, server(greeting) as (address, _):
        hop = await control.lay("new", protocol=UNDECIDED, upstream=address, tls="passed")
        async with client(hop) as (reader, _):
            assert await asyncio.wait_for(reader.readline(), WITHIN_S) == greeting
        assert (await known(control)).protocol == protocol


@pytest.mark.asyncio
async def test_later_connections_need_no_first_bytes_and_are_counted_by_kind(relay: RelayServer) -> None:
    async with relay.control() as control, server() as (address, got):
        hop = await control.lay("new", protocol=UNDECIDED, upstream=address, tls="passed")
        await control.record("new", True)
        async with client(hop) as (reader, writer), client(hop) as (other, others):
            writer.write(PING)
            await asyncio.wait_for(reader.readexactly(7), WITHIN_S)
            others.write(PING * 2)
            await asyncio.wait_for(other.readexactly(7), WITHIN_S)
        kinds = {(kind.direction, kind.word): kind.count for kind in await control.kinds("new") if kind.runs}
        assert kinds == {("sent", "PING"): 3}
        assert [seen.text for seen in await control.recording("new") if seen.runs] == ["PING"] * 3
        assert len([report for report in control.reports() if isinstance(report, Known)]) == 1
        assert sorted(got) == [PING, PING * 2]


@pytest.mark.asyncio
async def test_rules_wait_for_a_server_whose_protocol_is_known_before_it_is(relay: RelayServer) -> None:
    async with relay.control() as control, server() as (address, got):
        hop = await control.lay("new", protocol="redis", upstream=None)
        await control.arm(Rule(id="r", hop="new", match=Match(direction="sent", text="PING"), action=Cut()))
        async with client(hop) as (reader, writer):
            writer.write(PING)
            await control.lead("new", address)
            assert await asyncio.wait_for(reader.read(), WITHIN_S) == b""
        assert len(await control.fired("r")) == 1
        assert b"".join(got) == b""


@pytest.mark.asyncio
async def test_a_server_that_refuses_resets_the_first_connection(relay: RelayServer) -> None:
    async with relay.control() as control, server() as (address, _):
        pass
    async with relay.control() as control:
        hop = await control.lay("new", protocol=UNDECIDED, upstream=address)
        with pytest.raises(ConnectionResetError):
            async with client(hop) as (reader, _):
                await asyncio.wait_for(reader.read(), WITHIN_S)


@pytest.mark.asyncio
async def test_a_connection_that_says_nothing_decides_nothing(relay: RelayServer) -> None:
    async with relay.control() as control, server() as (address, got):
        hop = await control.lay("new", protocol=UNDECIDED, upstream=address)
        async with client(hop):
            await accepted(got)
        async with client(hop) as (reader, writer):
            writer.write(PING)
            await asyncio.wait_for(reader.readexactly(7), WITHIN_S)
        assert (await known(control)).protocol == "redis"
        assert got == [b"", PING]


@pytest.mark.asyncio
async def test_tls_that_is_agreed_on_passes_unread(relay: RelayServer) -> None:
    """The relay starts no TLS of its own, and leaves every byte as it is."""

    async def agree(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"S")
        assert await reader.readexactly(5) == b"\x16\x03\x01\x02\x00"
        writer.write(b"\x16\x03\x03\x00\x7a rest")
        writer.close()

    listening = await asyncio.start_server(agree, "127.0.0.1", 0)
    async with listening, relay.control() as control:
        address = HostPort(*listening.sockets[0].getsockname())
        hop = await control.lay("new", protocol=UNDECIDED, upstream=address, tls="passed")
        async with client(hop) as (reader, writer):
            writer.write(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
            assert await asyncio.wait_for(reader.readexactly(1), WITHIN_S) == b"S"
            writer.write(b"\x16\x03\x01\x02\x00")
            assert await asyncio.wait_for(reader.read(), WITHIN_S) == b"\x16\x03\x03\x00\x7a rest"
        ended = await control.next_report(lambda report: isinstance(report, Ended), WITHIN_S, since=0)
        assert isinstance(ended, Ended)
        assert ended.by == "server"
