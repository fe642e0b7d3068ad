from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest
import pytest_asyncio

from harness.errors import HarnessError
from harness.polling import poll_async
from harness.protocols.postgres.running.databases import create_database, create_role, drop_database, drop_role
from harness.protocols.postgres.server import PostgresServer

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"  # generic for type checkers only

NAMES = ["plain", 'quo"te', "it's", "Größe; DROP", "$1 %I %L", "x" * 63]


@pytest_asyncio.fixture
async def admin(postgres: PostgresServer) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(postgres.url())
    yield connection
    await connection.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("name", NAMES)
async def test_any_name_and_password_will_do(admin: Connection, postgres: PostgresServer, name: str) -> None:
    await create_role(admin, name, password=name)
    await create_database(admin, name, owner=name)
    service = await asyncpg.connect(postgres.url(database=name, user=name, password=name))
    await service.execute("CREATE TABLE mine ()")
    assert await service.fetchval("SELECT current_user || current_database()") == name * 2
    assert await service.fetchval("SHOW is_superuser") == "off"
    await service.close()
    await drop_database(admin, name)
    await drop_role(admin, name)
    assert not await admin.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", name)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["", "nul\0", "x" * 64, "ä" * 32])
async def test_names_that_would_be_cut_are_refused(admin: Connection, name: str) -> None:
    with pytest.raises(HarnessError, match="no name for a role or database"):
        await create_database(admin, name)
    with pytest.raises(HarnessError, match="no name for a role or database"):
        await create_role(admin, name, password="any")  # noqa: S106 - never used


@pytest.mark.asyncio
@pytest.mark.parametrize("strategy", ["file_copy", "wal_log", None])
async def test_a_template_is_copied(admin: Connection, postgres: PostgresServer, strategy: str | None) -> None:
    await create_database(admin, "pattern")
    pattern = await asyncpg.connect(postgres.url(database="pattern"))
    await pattern.execute("CREATE TABLE filled AS SELECT 7 AS n")
    await pattern.close()
    await create_database(admin, "copy", template="pattern", strategy=strategy)  # type: ignore[arg-type]  # parametrized
    copy = await asyncpg.connect(postgres.url(database="copy"))
    assert await copy.fetchval("SELECT n FROM filled") == 7
    await copy.close()
    await drop_database(admin, "copy")
    await drop_database(admin, "pattern")


@pytest.mark.asyncio
async def test_whoever_is_still_connected_is_thrown_out(admin: Connection, postgres: PostgresServer) -> None:
    await create_role(admin, "lingers", password="pw")  # noqa: S106 - a test's own
    await create_database(admin, "left", owner="lingers")
    inside = await asyncpg.connect(postgres.url(database="left", user="lingers", password="pw"))  # noqa: S106 - as above
    outside = await asyncpg.connect(postgres.url(user="lingers", password="pw"))  # noqa: S106 - a test's own
    await drop_database(admin, "left")
    await drop_role(admin, "lingers")
    sessions = [connection.get_server_pid() for connection in (inside, outside)]
    alive = "SELECT 1 FROM pg_stat_activity WHERE pid = ANY($1)"
    assert await poll_async(lambda: admin.fetchval(f"SELECT NOT EXISTS ({alive})", sessions), within_s=10)
    inside.terminate()
    outside.terminate()


@pytest.mark.asyncio
async def test_dropping_what_is_not_there_is_no_error(admin: Connection) -> None:
    told: list[str] = []
    admin.add_log_listener(lambda _, message: told.append(message.message))
    await drop_database(admin, "never was")
    await drop_role(admin, "never was")
    await admin.fetchval("SELECT 1")  # the listener has been called by the next answer
    assert told == [f'{kind} "never was" does not exist, skipping' for kind in ("database", "role")]
