"""How a connection comes to TLS: the service asks for it, begins with it, or does without."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from harness.addresses import HostPort
from harness.relay import Cut, Direction, Hold, RelayServer
from harness.stack import Stack
from tests.protocols.postgres import words as pg
from tests.relay.clients import WITHIN_S, laid
from tests.relay.engines import Bed
from tests.relay.tls_clients import laid_with_tls, trusting


@asynccontextmanager
async def always_ready() -> AsyncIterator[HostPort]:
    """A server without TLS that says it is ready to whoever starts, and waits for the end."""
    ended = asyncio.Queue[None]()
    begun = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal begun
        begun += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readexactly(len(pg.SSL_REQUEST))
            writer.write(b"N")
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
        hop = await control.lay("hop", protocol="postgres", upstream=address, tls="required")
        context = ssl.create_default_context(cadata=(await control.certificate()).decode())
        for _ in range(200):
            assert await asyncio.to_thread(starts_in_tls, hop.port, context) == pg.OK
        await control.cut_all("hop")


@pytest.mark.asyncio
@pytest.mark.parametrize("message", ["SSLRequest", "SSLAnswer"])
async def test_question_and_answer_about_tls_can_be_held_and_cut(
    relay: RelayServer, stack: Stack, message: str
) -> None:
    direction: Direction = "sent" if message == "SSLRequest" else "answered"
    async with laid_with_tls(relay, stack, server_too=False) as bed:
        held = await bed.arm(Hold(), direction, message=message)
        connecting = asyncio.ensure_future(bed.postgres(ssl=await trusting(bed)))
        await bed.fired(held)
        assert not connecting.done()
        await bed.control.release(held)
        assert await (await connecting).fetchval("SELECT 1") == 1
        cut = await bed.arm(Cut(), direction, message=message)
        with pytest.raises(ConnectionError):
            await bed.postgres(ssl=await trusting(bed))
        assert (await bed.fired(cut)).message == message


@pytest.mark.asyncio
async def test_where_it_is_required_a_service_without_is_refused_in_words(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack, tls="required") as bed:
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="did not ask for TLS"):
            await bed.postgres(ssl=False)
        ended = await bed.ended()
        assert (ended.by, ended.phase) == ("service", "startup")
        assert ended.why == "the service did not ask for TLS, which this link requires"
        assert await (await bed.postgres(ssl=await trusting(bed))).fetchval("SELECT 1") == 1


@pytest.mark.asyncio
async def test_a_service_that_begins_with_tls_is_told_where_there_is_none(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "postgres", stack, tls="offered") as bed:
        with pytest.raises((ConnectionError, ssl.SSLError)):
            await bed.postgres(ssl=await trusting(bed), direct_tls=True)
        assert "sslnegotiation=direct" in (await bed.ended()).why


@pytest.mark.asyncio
async def test_a_service_may_begin_with_tls_or_ask_for_it(relay: RelayServer, stack: Stack) -> None:
    """Direct TLS (PostgreSQL 17): rules and words are as they are with TLS that was asked for."""
    async with laid(relay, "postgres", stack, tls="required") as bed:
        context = await trusting(bed)
        context.set_alpn_protocols(["postgresql"])
        direct = await bed.postgres(ssl=context, direct_tls=True)
        asked = await bed.postgres(ssl=context)
        large = "x" * 2_000_000
        assert (
            await direct.fetchval("SELECT $1::text", large) == large == await asked.fetchval("SELECT $1::text", large)
        )
        await bed.arm(Cut(), "sent", "SELECT 3")
        with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionError)):
            await direct.execute("SELECT 3")
        assert (await bed.ended()).text == "SELECT 3"


@pytest.mark.asyncio
async def test_who_begins_with_tls_has_to_name_the_protocol(relay: RelayServer, stack: Stack) -> None:
    """As PostgreSQL requires it: what names no protocol may be a browser, led there by somebody else."""
    async with laid(relay, "postgres", stack, tls="required") as bed:
        with pytest.raises((ConnectionError, ssl.SSLError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await bed.postgres(ssl=await trusting(bed), direct_tls=True)
        assert "did not name 'postgresql' as its protocol (ALPN)" in (await bed.ended()).why


@pytest.mark.asyncio
async def test_where_tls_is_declined_who_goes_on_without_is_served(relay: RelayServer, stack: Stack) -> None:
    """A service that insists on TLS leaves; one that does not sends its password to whoever it is."""
    async with laid(relay, "postgres", stack, tls="required") as bed:
        context = await trusting(bed)
        await bed.control.trouble_handshakes("hop", "declined")
        with pytest.raises(ConnectionError, match="rejected SSL upgrade"):
            await bed.postgres(ssl=context)
        assert await (await bed.postgres(ssl="prefer")).fetchval("SELECT 1") == 1
        assert await bed.control.trouble_handshakes("hop", None) == (2, 2)
        assert await (await bed.postgres(ssl=context)).fetchval("SELECT 2") == 2
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="did not ask for TLS"):
            await bed.postgres(ssl=False)


@pytest.mark.asyncio
async def test_who_says_nothing_begins_with_nothing(relay: RelayServer, stack: Stack) -> None:
    """Neither who waits nor who leaves at once keeps others from beginning."""
    async with laid(relay, "postgres", stack, tls="required") as bed:
        _, waits = await asyncio.open_connection("127.0.0.1", bed.hop.port)
        _, leaves = await asyncio.open_connection("127.0.0.1", bed.hop.port)
        leaves.close()
        assert (await bed.ended()).by == "service"
        assert await (await bed.postgres(ssl=await trusting(bed))).fetchval("SELECT 1") == 1
        waits.close()


def test_a_cancel_request_needs_no_tls() -> None:
    """A server takes it from whoever has the key; most clients send it in plain words."""
    wire = Bed(tls="required").connect()
    assert wire.sends(pg.cancel()) == pg.cancel()
