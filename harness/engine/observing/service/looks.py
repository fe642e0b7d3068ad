"""Finds out what the service waits for. Callers share one look instead of each starting another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class SharedLooks:
    """Looks that callers share: ninety open requests cost one look, not ninety."""

    def __init__(self, look: Callable[[], Awaitable[tuple[str, ...]]]) -> None:
        self._look = look
        self._under_way: asyncio.Task[tuple[str, ...]] | None = None

    def begin(self) -> asyncio.Task[tuple[str, ...]]:
        """Return the running look, or start a new one. Its result is names of links.

        Raises the previous look's error, so that no error is lost.
        """
        if self._under_way is not None and self._under_way.done():
            self._under_way.result()
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.ensure_future(self._awaited())
        return self._under_way

    async def close(self) -> None:
        """Stop the running look. Raises the last look's error, unless a caller has already got it."""
        if self._under_way is None:
            return
        self._under_way.cancel()
        await asyncio.wait([self._under_way])
        if not self._under_way.cancelled():
            self._under_way.result()

    async def _awaited(self) -> tuple[str, ...]:
        return await self._look()
