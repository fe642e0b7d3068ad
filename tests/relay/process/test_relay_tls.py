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
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError

from harness.addresses import HostPort
from harness.errors import UsageError
from harness.polling import poll_async
from harness.protocols.postgres.server import PostgresServer
from harness.relay import Action, Cut, Direction, Ended, Fail, Hold, Loss, RelayServer, Reset
from harness.stack import Stack
from tests.protocols.postgres import words as pg
from tests.relay.clients import WITHIN_S, Laid, laid
from tests.relay.engines import Bed
from tests.stack.support import refusing


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
@pytest.mark.parametrize("server_too", [True, False])
async def test_a_dead_line_within_tls_goes_on_when_it_is_mended(
    relay: RelayServer, stack: Stack, server_too: bool
) -> None:
    async with laid_with_tls(relay, stack, server_too=server_too) as bed:
        connection = await bed.postgres(ssl="require")
        await bed.control.lose("hop", "dead", Loss())
        asking = asyncio.create_task(connection.fetchval("SELECT 1"))

        async def lost() -> bool:
            return (await bed.control.lost("hop", "dead")).struck > 0

        assert await poll_async(lost, within_s=WITHIN_S)
        assert not asking.done()
        await bed.control.restore("hop", "dead", gone=())
        assert await asking == 1


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
    assert not wire.ended()


@pytest.mark.asyncio
async def test_redis_speaks_it_from_the_first_byte(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack, tls="required") as bed:
        client = await redis_in_tls(bed)
        large = b"x" * 2_000_000
        assert await client.echo(large) == large
        assert [seen.text for seen in await bed.control.seen("hop") if seen.runs][-1].startswith("ECHO x")
        await bed.arm(Fail("READONLY"), "sent", "SET")
        with pytest.raises(ReadOnlyError):
            await client.set("relay-tls", "1")
        await bed.arm(Reset(), "answered", "ECHO")
        with pytest.raises(RedisConnectionError):
            await client.echo("never heard")
        assert (await bed.ended()).by == "rule"


@pytest.mark.asyncio
@pytest.mark.parametrize(("action", "met"), [(Reset(), "ConnectionResetError"), (Cut(), "the end")])
async def test_a_reset_is_one_and_a_close_is_none(relay: RelayServer, stack: Stack, action: Action, met: str) -> None:
    async with laid(relay, "redis", stack, tls="required") as bed:
        await bed.arm(action, "sent", "PING")
        reader, writer = await asyncio.open_connection("127.0.0.1", bed.hop.port, ssl=await trusting(bed))
        writer.write(b"PING\r\n")
        try:
            found = (await reader.read()).decode() or "the end"
        except OSError as problem:
            found = type(problem).__name__
        writer.transport.abort()
        assert found == met


@pytest.mark.asyncio
async def test_redis_closes_and_counts_what_was_said(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack, tls="required") as bed:
        client = await redis_in_tls(bed, protocol=2)
        await client.echo("hello")
        (traffic,) = (await bed.control.traffic("hop")).values()
        await client.aclose()
        ended = await bed.ended()
        assert (ended.by, ended.why, (ended.sent_bytes, ended.answered_bytes)) == ("service", "", traffic)
        assert await bed.control.traffic("hop") == {}


@pytest.mark.asyncio
async def test_redis_that_is_refused_is_refused_in_tls_too(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack, tls="required") as bed:
        client = await redis_in_tls(bed)
        await client.ping()
        await bed.control.refuse("hop", True)
        assert await client.ping(), "open connections stay"
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", bed.hop.port)
        await bed.control.refuse("hop", False)
        assert await (await redis_in_tls(bed)).ping()


@pytest.mark.asyncio
async def test_a_server_that_refuses_is_mirrored_to_a_redis_client_in_tls(relay: RelayServer, stack: Stack) -> None:
    with refusing() as nobody:
        async with relay.control() as control:
            bed = Laid(control, await control.lay("hop", protocol="redis", upstream=nobody, tls="required"), stack)
            with pytest.raises(RedisConnectionError):
                await (await redis_in_tls(bed)).ping()
            assert ((await bed.ended()).by, (await bed.ended()).why) == ("server", "")
            await bed.close()


@pytest.mark.asyncio
async def test_redis_without_tls_and_redis_that_does_not_trust(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack, tls="required") as bed:
        with pytest.raises(RedisConnectionError):
            await bed.redis().ping()
        plain = await bed.ended()
        assert plain.why.startswith("TLS was not agreed: [SSL: ")
        with pytest.raises(RedisConnectionError, match="certificate verify failed"):
            await (await redis_in_tls(bed, trusts=trustme.CA().cert_pem.bytes().decode())).ping()
        other = await bed.report(lambda report: isinstance(report, Ended) and report.connection != plain.connection)
        assert isinstance(other, Ended)
        assert (other.by, other.service_port > 0) == ("service", True)
        assert other.why.startswith("TLS was not agreed: ")
        assert await bed.control.cut_all("hop") == 0, "nothing is left of either"


@pytest.mark.asyncio
async def test_redis_that_begins_nothing_is_cut(relay: RelayServer, stack: Stack) -> None:
    """A connection on which TLS is not agreed yet is one of the hop's, too."""
    async with laid(relay, "redis", stack, tls="required") as bed:
        reader, writer = await asyncio.open_connection("127.0.0.1", bed.hop.port)

        async def is_cut() -> bool:
            return await bed.control.cut_all("hop") == 1

        assert await poll_async(is_cut, within_s=WITHIN_S), "it has been accepted"
        assert await reader.read() == b""
        writer.close()
        assert (await bed.ended()).by == "rule"


@pytest.mark.asyncio
async def test_it_cannot_be_offered_to_redis(relay: RelayServer, stack: Stack) -> None:
    async with laid(relay, "redis", stack) as bed:
        with pytest.raises(UsageError, match="cannot ask for TLS") as caught:
            await bed.control.lay("tls", protocol="redis", upstream=bed.hop.address, tls="offered")
        assert caught.value.hint == "write 'required'"


async def redis_in_tls(bed: Laid, *, protocol: int = 3, trusts: str = "") -> Redis:
    """A client that verifies."""
    client = Redis(
        host="127.0.0.1", port=bed.hop.port, ssl=True, protocol=protocol, single_connection_client=True,
        ssl_ca_data=trusts or (await bed.control.certificate()).decode(), socket_timeout=WITHIN_S,
        retry=Retry(NoBackoff(), 0),
    )  # fmt: skip
    bed.clients.append(client)
    return client
