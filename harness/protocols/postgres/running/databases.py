"""Creates and drops roles and databases over a superuser's asyncpg connection.

Each service gets its own role and database, so the server's figures about these are about that service only.
"""

from __future__ import annotations

from typing import Literal

import asyncpg

from harness.errors import HarnessError

IDENTIFIER_BYTES_MAX = 63
"""PostgreSQL cuts longer names silently (NAMEDATALEN - 1)."""

Strategy = Literal["file_copy", "wal_log"]

_STRATEGY_SINCE = 150_000  # server_version_num


def checked_name(name: str) -> str:
    """Return `name`. Raises HarnessError for one that PostgreSQL would refuse or cut."""
    size = len(name.encode())
    if not name or "\0" in name or size > IDENTIFIER_BYTES_MAX:
        raise HarnessError(
            f"no name for a role or database: {name!r} ({size} bytes)",
            hint=f"use 1 to {IDENTIFIER_BYTES_MAX} bytes, none of them NUL",
        )
    return name


async def create_role(connection: asyncpg.Connection[asyncpg.Record], name: str, *, password: str) -> None:
    """Create a role that can log in and has no further privileges."""
    await _execute(connection, "CREATE ROLE %I LOGIN NOSUPERUSER PASSWORD %L", checked_name(name), password)


async def create_database(
    connection: asyncpg.Connection[asyncpg.Record],
    name: str,
    *,
    owner: str | None = None,
    template: str | None = None,
    strategy: Strategy | None = None,
) -> None:
    """Create a database, by default of the connection's user and from template1.

    The default `strategy` is the faster one: with fsync off, copying files takes 11 ms and logging 60; with fsync on,
    copying (which waits for two checkpoints) takes 150 and logging 100. The template must have no sessions.
    """
    clauses = []
    names = [checked_name(name)]
    if owner is not None:
        clauses.append("OWNER %I")
        names.append(checked_name(owner))
    if template is not None:
        clauses.append("TEMPLATE %I")
        names.append(checked_name(template))
    clauses.append(await _strategy_clause(connection, strategy))
    await _execute(connection, f"CREATE DATABASE %I {' '.join(clauses)}", *names)


async def drop_database(connection: asyncpg.Connection[asyncpg.Record], name: str) -> None:
    """End all sessions in the database and drop it, if it exists."""
    await _execute(connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", checked_name(name))


async def drop_role(connection: asyncpg.Connection[asyncpg.Record], name: str) -> None:
    """End the role's sessions and drop it, after its databases, if it exists."""
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", checked_name(name)
    )
    await _execute(connection, "DROP ROLE IF EXISTS %I", name)


async def _strategy_clause(connection: asyncpg.Connection[asyncpg.Record], strategy: Strategy | None) -> str:
    version, fsync = await _version_and_fsync(connection)
    if version < _STRATEGY_SINCE:
        return ""
    return f"STRATEGY {strategy or ('wal_log' if fsync else 'file_copy')}"


async def _version_and_fsync(connection: asyncpg.Connection[asyncpg.Record]) -> tuple[int, bool]:
    row = await connection.fetchrow("SELECT current_setting('server_version_num')::int, current_setting('fsync')::bool")
    if row is None:
        raise HarnessError("PostgreSQL answered a SELECT without FROM with no row")
    return int(row[0]), bool(row[1])


async def _execute(connection: asyncpg.Connection[asyncpg.Record], statement: str, *arguments: str) -> None:
    """Execute a statement that takes no parameters: the server quotes the arguments."""
    placeholders = ", ".join(f"${number + 2}::text" for number in range(len(arguments)))
    quoted = await connection.fetchval(f"SELECT format($1, {placeholders})", statement, *arguments)
    await connection.execute(str(quoted))
