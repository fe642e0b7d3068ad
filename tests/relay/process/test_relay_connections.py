"""What the relay does to connections as such: to bare sockets, and a server that does what the test does."""

from __future__ import annotations

import asyncio
import socket

import psutil
import pytest

from harness.relay import Cut, Hold, RelayServer, Reset
from harness.stack import Stack
from tests.protocols.postgres import words as pg
from tests.relay.clients import hand_made, laid, laid_to
from tests.stack.support import refusing

PING, PONG = b"PING\r\n", b"+PONG\r\n"
MB = 1 << 20


@pytest.mark.asyncio
async def test_bytes_go_both_ways(relay: RelayServer) -> None:
    async with hand_made() as bench, laid_to(relay, "redis", bench.address) as bed:
        service = await bench.connected(bed.hop.port)
        await service.sends(PING)  # before the server is there
        server = await bench.accepted()
        assert await server.gets(len(PING)) == PING
        await server.sends(PONG)
        assert await service.gets(len(PONG)) == PONG


@pytest.mark.asyncio
async def test_the_end_of_each_direction_passes_by_itself(relay: RelayServer) -> None:
    async with hand_made() as bench, laid_to(relay, "redis", bench.address) as bed:
        service, server = await bench.connected(bed.hop.port), await bench.accepted()
        await service.sends(PING)
        service.says_no_more()
        assert await server.gets(100) == PING
        await server.sends(PONG)
        assert await service.gets(len(PONG)) == PONG
        server.says_no_more()
        assert await service.gets(1) == b""
        ended = await bed.ended()
        assert (ended.by, ended.connection) == ("service", 1)
        assert ended.service_port == service.bare.getsockname()[1]


@pytest.mark.asyncio
async def test_an_end_before_the_server_is_connected_passes_too(relay: RelayServer) -> None:
    async with hand_made() as bench, laid_to(relay, "redis", bench.address) as bed:
        service = await bench.connected(bed.hop.port)
        await service.sends(PING)
        service.says_no_more()
        server = await bench.accepted()
        assert await server.gets(100) == PING


@pytest.mark.asyncio
async def test_a_servers_reset_is_the_services(relay: RelayServer) -> None:
    async with hand_made() as bench, laid_to(relay, "redis", bench.address) as bed:
        service, server = await bench.connected(bed.hop.port), await bench.accepted()
        await service.sends(PING)
        await server.gets(len(PING))
        server.resets()
        with pytest.raises(ConnectionResetError):
            await service.gets(1)
        assert (await bed.ended()).by == "reset by server"


@pytest.mark.asyncio
async def test_a_services_reset_is_the_servers(relay: RelayServer) -> None:
    async with hand_made() as bench, laid_to(relay, "redis", bench.address) as bed:
        service, server = await bench.connected(bed.hop.port), await bench.accepted()
        service.resets()
        with pytest.raises(ConnectionResetError):
            await server.gets(1)
        assert (await bed.ended()).by == "reset by service"


@pytest.mark.asyncio
async def test_a_server_that_refuses_resets(relay: RelayServer) -> None:
    with refusing() as address:
        async with hand_made() as bench, laid_to(relay, "redis", address) as bed:
            with pytest.raises(ConnectionResetError):  # it may come before the service knows that it is connected
                await (await bench.connected(bed.hop.port)).gets(1)
            assert (await bed.ended()).by == "server"


@pytest.mark.asyncio
async def test_a_rules_reset_comes_behind_what_had_passed(relay: RelayServer) -> None:
    async with hand_made() as bench, laid_to(relay, "redis", bench.address) as bed:
        await bed.arm(Reset(3), "answered", "PING")
        service, server = await bench.connected(bed.hop.port), await bench.accepted()
        await service.sends(PING)
        await server.gets(len(PING))
        await server.sends(PONG)
        with pytest.raises(ConnectionResetError):
            assert await service.gets(4) == b""
        assert await server.gets(1) == b""


@pytest.mark.asyncio
async def test_a_cut_is_a_plain_end_even_where_the_service_has_sent_more(relay: RelayServer) -> None:
    async with hand_made() as bench, laid_to(relay, "redis", bench.address) as bed:
        await bed.arm(Cut(after=True), "answered", "PING")
        service, server = await bench.connected(bed.hop.port), await bench.accepted()
        await service.sends(PING)
        await server.gets(len(PING))
        await service.sends(PING * 1000)
        await server.sends(PONG)
        assert await service.gets(100) == PONG


@pytest.mark.asyncio
async def test_a_port_that_refuses_and_accepts_again(relay: RelayServer) -> None:
    async with hand_made() as bench, laid_to(relay, "redis", bench.address) as bed:
        service, server = await bench.connected(bed.hop.port), await bench.accepted()
        for _ in range(3):
            await bed.control.refuse(bed.hop.name, True)
            await bed.control.refuse(bed.hop.name, True)
            with pytest.raises(ConnectionRefusedError):
                await bench.connected(bed.hop.port)
            with socket.socket() as thief, pytest.raises(OSError, match="in use"):
                thief.bind(("127.0.0.1", bed.hop.port))
            await service.sends(PING)  # what was open stays
            assert await server.gets(len(PING)) == PING
            await bed.control.refuse(bed.hop.name, False)
            another = await bench.connected(bed.hop.port)
            await another.sends(PING)
            assert await (await bench.accepted()).gets(len(PING)) == PING


@pytest.mark.asyncio
async def test_new_connections_lead_elsewhere(relay: RelayServer) -> None:
    async with hand_made() as bench, hand_made() as other, laid_to(relay, "redis", bench.address) as bed:
        service, server = await bench.connected(bed.hop.port), await bench.accepted()
        await bed.control.lead(bed.hop.name, other.address)
        await service.sends(PING)  # what was open stays
        assert await server.gets(len(PING)) == PING
        await (await other.connected(bed.hop.port)).sends(PING)
        assert await (await other.accepted()).gets(len(PING)) == PING


@pytest.mark.asyncio
async def test_what_is_large_passes_without_being_kept(relay: RelayServer) -> None:
    process = psutil.Process(relay.process.pid)
    size = 100 * MB
    async with hand_made() as bench, laid_to(relay, "redis", bench.address) as bed:
        await bed.arm(Cut(), "answered", "GETDEL")
        service, server = await bench.connected(bed.hop.port), await bench.accepted()
        await service.sends(b"GET k\r\n")
        await server.gets(7)
        before = process.memory_info().rss
        sending = asyncio.create_task(server.sends(b"$%d\r\n" % size))
        got = 0
        part = b"y" * MB
        for _ in range(100):
            await sending
            sending = asyncio.create_task(server.sends(part))
            got += len(await service.gets(MB))
        await sending
        got += len(await service.gets(size + 12 - got))
        assert got == size + 12
        assert process.memory_info().rss - before < 20 * MB


@pytest.mark.asyncio
async def test_many_connections_at_once(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        clients = [bed.redis() for _ in range(60)]
        assert all(await asyncio.gather(*(client.ping() for client in clients)))


@pytest.mark.asyncio
async def test_a_service_that_goes_while_its_message_is_held_takes_nothing_with_it(relay: RelayServer) -> None:
    async with hand_made() as bench, laid_to(relay, "postgres", bench.address) as bed:
        rule = await bed.arm(Hold(), "sent", "COMMIT")
        service, server = await bench.connected(bed.hop.port), await bench.accepted()
        await service.sends(pg.startup() + pg.query("COMMIT"))
        await bed.fired(rule)
        service.bare.close()
        assert (await bed.ended()).by == "service"
        assert await server.gets(len(pg.startup())) == pg.startup()
        assert await bed.control.release(rule) == 1
        assert await server.gets(1000) == pg.query("COMMIT")
