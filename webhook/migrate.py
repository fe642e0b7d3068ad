"""Runs the migrations: `python -m webhook migrate`. It is safe to run it twice, also at the same time."""

import asyncio
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from webhook.logs import describe

LOCK = 0x77656268
"""The key of the advisory lock that lets one migration run at a time."""

CONNECT_TIMEOUT_S = 10.0


def migrate(url: URL) -> int:
    """Bring the schema to its newest version; return the exit status."""
    try:
        asyncio.run(_migrate(url))
    except (SQLAlchemyError, OSError) as error:
        sys.stderr.write(f"The migration failed: {describe(error)}\n")
        return 1
    return 0


async def _migrate(url: URL) -> None:
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        connect_args={"timeout": CONNECT_TIMEOUT_S},
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
