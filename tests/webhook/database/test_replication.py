"""A warning of the server is noticed in any language: only its SQLSTATE is looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from tests.webhook.support import Database
from webhook.database.replication import WarnedConnection, forget_warnings, was_warned

WARNS = "DO $$ BEGIN RAISE WARNING USING ERRCODE = '{sqlstate}', MESSAGE = 'breche Warten auf Replikation ab'; END $$"


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    made = await asyncpg.connect(database.url, connection_class=WarnedConnection)
    yield made
    await made.close()


@pytest.mark.asyncio
async def test_a_warning_is_noticed_by_its_sqlstate(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.execute(WARNS.format(sqlstate="01000"))
    assert was_warned(connection)
    forget_warnings(connection)
    assert not was_warned(connection)


@pytest.mark.asyncio
async def test_a_warning_of_another_kind_is_not_taken_for_it(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.execute(WARNS.format(sqlstate="01003"))
    assert not was_warned(connection)
