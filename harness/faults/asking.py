"""Whether the harness may query the service while a scenario runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Asking:
    """Pauses the harness's own queries while a fault counts connections.

    Otherwise they would be counted as the service's clients.
    """

    def __init__(self) -> None:
        self._hushed = 0
        self._turn = asyncio.Lock()

    @property
    def allowed(self) -> bool:
        """Whether a query is allowed now."""
        return self._hushed == 0

    @asynccontextmanager
    async def question(self) -> AsyncIterator[bool]:
        """Run one query at a time; yield whether it is allowed now."""
        async with self._turn:
            yield self.allowed

    async def hush(self) -> None:
        """Allow no query until `allow` is called as often as `hush`. Return when no query is under way."""
        self._hushed += 1
        async with self._turn:
            pass

    def allow(self) -> None:
        """Undo one `hush`."""
        self._hushed -= 1
