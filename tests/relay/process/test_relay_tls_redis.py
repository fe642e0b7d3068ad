"""TLS on a link to Redis, from the first byte."""

from __future__ import annotations

import asyncio

import pytest
import trustme
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError

from harness.errors import UsageError
from harness.polling import poll_async
from harness.relay import Action, Cut, Ended, Fail, RelayServer, Reset
from harness.stack import Stack
from tests.relay.clients import WITHIN_S, Laid, laid
from tests.relay.tls_clients import trusting
from tests.stack.support import refusing


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
