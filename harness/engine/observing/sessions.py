"""The harness's own sessions on the servers of one run: kept open, opened again when they were cut."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import asyncpg

from harness.faults.site import Site
from harness.vocabulary import Link

ANSWERED_WITHIN_S = 10.0


class Sessions:
    """Questions to PostgreSQL, past the proxy; one session a link, one question at a time."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = asyncio.Lock()
        self._exits = AsyncExitStack()
        self._open: dict[str, asyncpg.Connection] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    async def fetch(self, link: Link, sql: str, *arguments: object) -> Sequence[Any]:
        """Run a query. A session that a restart has ended is replaced once.

        Raises TimeoutError when there is no answer in `ANSWERED_WITHIN_S`: somebody holds a lock, perhaps.
        """
        async with self._lock:
            try:
                return await self._ask(link, sql, arguments)
            except TimeoutError:  # an OSError, too, and asking again would only wait again
                raise
            except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError):
                self._open.pop(link.name, None)
                return await self._ask(link, sql, arguments)

    async def _ask(self, link: Link, sql: str, arguments: Sequence[object]) -> Sequence[Any]:
        session = await self._session(link)
        return list(await session.fetch(sql, *arguments, timeout=ANSWERED_WITHIN_S))

    async def _session(self, link: Link) -> asyncpg.Connection:
        if link.name not in self._open:
            self._open[link.name] = await self._exits.enter_async_context(self._site.sql(link))
        return self._open[link.name]
