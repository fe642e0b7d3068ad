"""How dear a login is: with one round of SHA-256 where many are to come, unless the server is configured otherwise."""

from __future__ import annotations

import asyncpg
import pytest

from harness.protocols.contract.storage import Share
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.postgres.storage import STORAGE

ROUNDS = "SELECT substring(rolpassword FROM 'SCRAM-SHA-256.([0-9]+):') FROM pg_authid WHERE rolname = $1"


async def rounds_of(postgres: PostgresServer, share: Share) -> int:
    async with STORAGE.own(postgres, share) as own:
        admin = await asyncpg.connect(postgres.url())
        try:
            return int(await admin.fetchval(ROUNDS, own.words(postgres.address, tls=False)["user"]))
        finally:
            await admin.close()


async def configure(postgres: PostgresServer, change: str) -> None:
    admin = await asyncpg.connect(postgres.url())
    try:
        await admin.execute(change)
        await admin.execute("SELECT pg_reload_conf()")
    finally:
        await admin.close()


@pytest.mark.asyncio
async def test_a_cheap_login_has_one_round(postgres: PostgresServer) -> None:
    assert await rounds_of(postgres, Share(link="cheap", number=1, cheap_login=True)) == 1
    assert await rounds_of(postgres, Share(link="dear", number=1)) == 4096


@pytest.mark.asyncio
async def test_a_driver_that_refuses_one_round_gets_what_is_configured(postgres: PostgresServer) -> None:
    await configure(postgres, "ALTER SYSTEM SET scram_iterations = 5000")
    try:
        assert await rounds_of(postgres, Share(link="cheap", number=2, cheap_login=True)) == 5000
    finally:
        await configure(postgres, "ALTER SYSTEM RESET scram_iterations")


@pytest.mark.asyncio
async def test_the_harness_itself_logs_in_cheaply(postgres: PostgresServer) -> None:
    admin = await asyncpg.connect(postgres.url())
    try:
        assert int(await admin.fetchval(ROUNDS, "postgres")) == 1
        assert await admin.fetchval("SHOW scram_iterations") == "4096"
    finally:
        await admin.close()
