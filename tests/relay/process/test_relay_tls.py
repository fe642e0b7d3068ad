"""TLS on a link to PostgreSQL: the relay speaks it on both sides, and knows the messages all the same."""

from __future__ import annotations

import asyncio
import ssl

import asyncpg
import pytest

from harness.polling import poll_async
from harness.relay import Cut, Fail, Loss, RelayServer, Reset
from harness.stack import Stack
from tests.relay.clients import WITHIN_S, laid
from tests.relay.tls_clients import laid_with_tls, trusting


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
