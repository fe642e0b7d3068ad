"""TLS, where the service asks for it: the relay speaks it on both sides, and knows the messages all the same."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest
import trustme

from harness.addresses import HostPort
from harness.errors import UsageError
from harness.stack import Stack
from harness.wire import Cut, Fail, RelayServer, Reset
from tests.wire import postgres_words as pg
from tests.wire.clients import WITHIN_S, Laid, laid


@asynccontextmanager
async def tls_in_front_of(port: int) -> AsyncIterator[HostPort]:
    """Answer requests for TLS with yes, and carry what comes then to a server that has none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    carrying: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carrying.add(task := asyncio.ensure_future(both_ways(reader, writer)))
        task.add_done_callback(carrying.discard)

    async def both_ways(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(8) == pg.SSL_REQUEST:
            writer.write(b"S")
            await writer.start_tls(context)
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    async def pump(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                to.write(data)
        to.close()
        with suppress(OSError):
            await to.wait_closed()

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    async with server:
        yield HostPort(*server.sockets[0].getsockname())
        async with asyncio.timeout(20):
            await asyncio.gather(*carrying)


@asynccontextmanager
async def laid_with_tls(relay: RelayServer, stack: Stack, *, server_too: bool) -> AsyncIterator[Laid]:
    async with relay.control() as control, tls_in_front_of(stack.postgres.port) as address:
        upstream = address if server_too else HostPort(stack.postgres.host, stack.postgres.port)
        hop = await control.lay("hop", protocol="postgres", upstream=upstream, tls=not server_too)
        bed = Laid(control, hop, stack)
        try:
            yield bed
        finally:
            await bed.close()
            await control.cut_all("hop")


async def trusting(bed: Laid) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=(await bed.control.certificate()).decode())


@pytest.mark.asyncio
@pytest.mark.parametrize("server_too", [True, False])
async def test_a_service_that_verifies_the_certificate_is_content(
    relay: RelayServer, stack: Stack, server_too: bool
) -> None:
    async with laid_with_tls(relay, stack, server_too=server_too) as bed:
        connection = await bed.postgres(ssl=await trusting(bed))
        large = "x" * 2_000_000
        assert await connection.fetchval("SELECT $1::text", large) == large
        assert [seen.text for seen in await bed.control.seen("hop") if seen.runs] == ["SELECT $1::text"]
        await connection.close()
        assert (await bed.ended()).by == "service"


@pytest.mark.asyncio
async def test_rules_work_within_tls(relay: RelayServer, stack: Stack) -> None:
    async with laid_with_tls(relay, stack, server_too=True) as bed:
        connection = await bed.postgres(ssl="require")
        await bed.arm(Fail("53100"), "sent", "SELECT 1")
        with pytest.raises(asyncpg.DiskFullError):
            await connection.execute("SELECT 1")
        assert await connection.fetchval("SELECT 2") == 2
        await bed.arm(Cut(), "sent", "SELECT 3")
        with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionError)):
            await connection.execute("SELECT 3")
        assert (await bed.ended()).text == "SELECT 3"


@pytest.mark.asyncio
async def test_a_reset_within_tls(relay: RelayServer, stack: Stack) -> None:
    async with laid_with_tls(relay, stack, server_too=False) as bed:
        connection = await bed.postgres(ssl="require")
        await bed.arm(Reset(), "answered", "SELECT 3")
        with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionError)):
            await connection.execute("SELECT 3")


@pytest.mark.asyncio
async def test_a_server_without_tls_speaks_for_itself_unless_the_hop_offers_it(
    relay: RelayServer, stack: Stack
) -> None:
    async with laid(relay, "postgres", stack) as bed:
        with pytest.raises(ConnectionError, match="rejected SSL upgrade"):
            await bed.postgres(ssl="require")
    async with laid_with_tls(relay, stack, server_too=False) as bed:
        connection = await bed.postgres(ssl="require")
        sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert await connection.fetchval(sql) is False, "PostgreSQL itself is spoken to as ever"


@pytest.mark.asyncio
async def test_where_the_service_does_not_ask_there_is_none(relay: RelayServer, stack: Stack) -> None:
    async with laid_with_tls(relay, stack, server_too=False) as bed:
        connection = await bed.postgres(ssl=False)
        assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.asyncio
async def test_a_service_that_does_not_trust_the_relay_goes(relay: RelayServer, stack: Stack) -> None:
    async with laid_with_tls(relay, stack, server_too=False) as bed:
        with pytest.raises(ssl.SSLError):
            await bed.postgres(ssl=ssl.create_default_context())
        ended = await bed.ended()
        assert (ended.by, ended.phase) == ("service", "startup")


@pytest.mark.asyncio
async def test_a_rule_comes_before_the_answer_to_a_request_for_tls(relay: RelayServer, stack: Stack) -> None:
    async with laid_with_tls(relay, stack, server_too=False) as bed:
        rule = await bed.arm(Cut(), "sent", message="SSLRequest")
        with pytest.raises(ConnectionError):
            await bed.postgres(ssl="require")
        assert (await bed.fired(rule)).message == "SSLRequest"


@asynccontextmanager
async def always_ready() -> AsyncIterator[HostPort]:
    """A server that says it is ready to whoever starts, and waits for the end."""
    ended = asyncio.Queue[None]()
    begun = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal begun
        begun += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readexactly(len(pg.startup()))
            writer.write(pg.OK)
            await reader.read()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        ended.put_nowait(None)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield HostPort(*server.sockets[0].getsockname())
        async with asyncio.timeout(WITHIN_S):
            for _ in range(begun):
                await ended.get()


def starts_in_tls(port: int, context: ssl.SSLContext) -> bytes:
    """Start as a client that does nothing else meanwhile, so that its words come as early as they can."""
    with socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S) as bare:
        bare.sendall(pg.SSL_REQUEST)
        assert bare.recv(1) == b"S"
        with context.wrap_socket(bare, server_hostname="127.0.0.1") as spoken:
            spoken.sendall(pg.startup())
            answer = spoken.recv(1024)
            spoken.sendall(pg.TERMINATE)
            return answer


@pytest.mark.asyncio
async def test_no_handshake_is_lost_however_early_it_begins(relay: RelayServer) -> None:
    """A service may ask for TLS, and have its answer, before the relay has seen to both of its sockets."""
    async with relay.control() as control, always_ready() as address:
        hop = await control.lay("hop", protocol="postgres", upstream=address, tls=True)
        context = ssl.create_default_context(cadata=(await control.certificate()).decode())
        for _ in range(200):
            assert await asyncio.to_thread(starts_in_tls, hop.port, context) == pg.OK
        await control.cut_all("hop")


@pytest.mark.asyncio
async def test_redis_has_none(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        with pytest.raises(UsageError, match="PostgreSQL's clients only"):
            await bed.control.lay("tls", protocol="redis", upstream=bed.hop.address, tls=True)
