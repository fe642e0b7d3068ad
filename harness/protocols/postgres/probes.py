"""What PostgreSQL reports about one service: its sessions, its lock waits, and its stored rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import asyncpg

from harness.protocols.contract.access import ADMIN_TIMEOUT_S, OWN_NAME
from harness.protocols.contract.probes import ANSWERED_WITHIN_S, MomentState, SessionCount
from harness.protocols.postgres.words import Waiting
from harness.vocabulary import Moment
from harness.vocabulary.ids import id_of, number_of, uuid_of

__all__ = ["PostgresProbe", "serves", "session"]

SHOWN = 160
SESSION_GONE = (asyncpg.PostgresConnectionError, asyncpg.InternalClientError)
"""The errors of a query if the server has ended the session. The second: its last message came, its close has not
yet."""


@asynccontextmanager
async def session(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Open a session of the harness for the block."""
    connection = await _connect(url)
    try:
        yield connection
    finally:
        await connection.close(timeout=ADMIN_TIMEOUT_S)


async def serves(url: str) -> bool:
    """Return whether a session can be opened. It cannot while nothing listens, or during a recovery (57P03)."""
    try:
        async with session(url):
            return True
    except (asyncpg.PostgresError, OSError):
        return False


async def _connect(url: str) -> asyncpg.Connection:
    # A scenario may make the server read-only, or its standby useless, and what the harness made there must still go.
    settings = {
        "application_name": OWN_NAME, "default_transaction_read_only": "off", "synchronous_commit": "local",
    }  # fmt: skip
    try:
        return await asyncpg.connect(url, timeout=ADMIN_TIMEOUT_S, server_settings=settings)
    except TimeoutError as problem:
        told = (
            f"PostgreSQL did not let the harness in within {ADMIN_TIMEOUT_S:g} s: it hangs, or the machine is too busy"
        )
        raise TimeoutError(told) from problem


class PostgresProbe:
    """See `Probe`.

    `admin_url`: the URL to connect to, which a failover changes. `user`: the service's role, which identifies its
    sessions.
    """

    errors: ClassVar[tuple[type[Exception], ...]] = (
        asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError,
    )  # fmt: skip

    def __init__(self, admin_url: Callable[[], str], user: str) -> None:
        self._url = admin_url
        self._user = user
        self._turn = asyncio.Lock()
        self._open: asyncpg.Connection | None = None

    async def close(self) -> None:
        """Close the probe's session."""
        if self._open is not None:
            await self._open.close(timeout=ADMIN_TIMEOUT_S)

    async def idle(self) -> int:
        """Count sessions that `pg_stat_activity` calls idle."""
        sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND state = 'idle'"
        return int((await self._fetch(sql, self._user))[0][0])

    async def sessions(self) -> SessionCount:
        """Count all sessions, and the busy ones."""
        sql = "SELECT count(*), count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity WHERE usename = $1"
        (row,) = await self._fetch(sql, self._user)
        return SessionCount(*row)

    async def blocked(self) -> int:
        """Count sessions that wait for a lock of another session."""
        sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND cardinality(pg_blocking_pids(pid)) > 0"
        return int((await self._fetch(sql, self._user))[0][0])

    async def unsettled(self) -> int:
        """See `Probe`."""
        return 0

    async def rows(self, query: str, ids: Sequence[str] | None) -> Sequence[tuple[str, str, int]]:
        """Read what is stored."""
        every = f"({query.rstrip().rstrip(';')}\n) AS stored"
        sql = f"SELECT id::text, digest::text, count(*)::int FROM {every}"  # noqa: S608  # the target's own SQL
        every_name = [] if ids is None else [*ids, *map(uuid_of, ids), *map(number_of, ids)]
        only, given = ("", []) if ids is None else ("WHERE id::text = ANY($1)", [every_name])
        rows = await self._fetch(f"{sql} {only} GROUP BY 1, 2", *given)
        return [(id_of(name), digest, copies) for name, digest, copies in rows]

    async def residue(self) -> Mapping[str, int]:
        """Count prepared transactions of the service's role, and advisory locks that its sessions hold."""
        sql = """SELECT (SELECT count(*) FROM pg_prepared_xacts WHERE owner = $1),
                        (SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
                          WHERE usename = $1 AND locktype = 'advisory')"""
        ((prepared, locks),) = await self._fetch(sql, self._user)
        return {"prepared transactions": prepared, "advisory locks": locks}

    async def look(self, moment: Moment) -> MomentState | None:
        """Look for statements that wait for a lock or a standby: `postgres.waiting("INSERT")`."""
        if not isinstance(moment, Waiting):
            return None
        sql = """SELECT query FROM pg_stat_activity WHERE usename = $1 AND state = 'active'
                  AND (wait_event_type = 'Lock' OR wait_event = 'SyncRep')"""
        statements = [str(row["query"]).strip() for row in await self._fetch(sql, self._user)]
        others = [text for text in statements if not text.upper().startswith(moment.text.upper())]
        count = len(statements) - len(others)
        instead = f"; others wait: {others[0][:SHOWN]}" if others and count < moment.at_least else ""
        return MomentState(count >= moment.at_least, f"{count} {moment.text} wait for a lock or a standby{instead}")

    async def _fetch(self, sql: str, *arguments: object) -> Sequence[Any]:
        """Run a query. A session that a restart has ended is replaced once.

        Raises TimeoutError if there is no answer in time, for example because a session holds a lock.
        """
        async with self._turn:
            try:
                return await self._ask(sql, arguments)
            except TimeoutError:  # it is an OSError, but a second attempt would only wait again
                raise
            except (*SESSION_GONE, asyncpg.InterfaceError, OSError):
                self._open = None
                return await self._ask(sql, arguments)

    async def _ask(self, sql: str, arguments: Sequence[object]) -> Sequence[Any]:
        if self._open is None:
            self._open = await _connect(self._url())
        return list(await self._open.fetch(sql, *arguments, timeout=ANSWERED_WITHIN_S))
