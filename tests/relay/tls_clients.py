"""A hop in front of PostgreSQL that speaks TLS, and a client that trusts it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import trustme

from harness.addresses import HostPort
from harness.protocols.postgres.server import PostgresServer
from harness.relay import RelayServer
from harness.stack import Stack
from tests.protocols.postgres import words as pg
from tests.relay.clients import Laid, laid


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
    async with tls_in_front_of(stack.of(PostgresServer).port) as address:
        upstream = address if server_too else None
        async with laid(relay, "postgres", stack, upstream=upstream, tls="none" if server_too else "offered") as bed:
            yield bed


async def trusting(bed: Laid) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=(await bed.control.certificate()).decode())
