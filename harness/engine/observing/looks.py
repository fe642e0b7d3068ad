"""Looks at what the service waits for: one at a time, for all who want to know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class SharedLooks:
    """Whoever asks while a look is under way shares it: ninety open requests cost one, not ninety."""

    def __init__(self, look: Callable[[], Awaitable[tuple[str, ...]]]) -> None:
        self._look = look
        self._under_way: asyncio.Task[tuple[str, ...]] | None = None

    def begin(self) -> asyncio.Task[tuple[str, ...]]:
        """Return the look that is under way, or a new one: names of links, as they were seen.

        Raises what the one before met, so that nothing gets lost.
        """
        if self._under_way is not None and self._under_way.done():
            self._under_way.result()
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.ensure_future(self._awaited())
        return self._under_way

    async def close(self) -> None:
        """End what is under way. Raises what the last look met, if nobody has."""
        if self._under_way is None:
            return
        self._under_way.cancel()
        await asyncio.wait([self._under_way])
        if not self._under_way.cancelled():
            self._under_way.result()

    async def _awaited(self) -> tuple[str, ...]:
        return await self._look()
