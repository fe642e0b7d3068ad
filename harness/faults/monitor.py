"""Redis's own word on which commands it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from redis.asyncio import Redis as RedisClient


class CommandMonitor:
    """Listens with MONITOR, and keeps which of some keys were named by anybody's command."""

    def __init__(self, url: str, keys: Sequence[str]) -> None:
        self._client = RedisClient.from_url(url)
        self._keys = frozenset(keys)
        self._met: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._monitor = self._client.monitor()
        await self._monitor.__aenter__()  # type: ignore[no-untyped-call]  # redis-py left these out
        self._task = asyncio.create_task(self._listen())
        return self

    async def _listen(self) -> None:
        async for command in self._monitor.listen():
            words = command["command"].split()
            self._met.update(self._keys.intersection(words))

    async def met(self) -> int:
        """How many of the keys were named so far, whatever Redis was sent before this call included."""
        if self._task is not None and self._task.done():
            self._task.result()
        return len(self._met)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._monitor.__aexit__(kind, error, trace)  # type: ignore[no-untyped-call]  # as above
        await self._client.aclose()
