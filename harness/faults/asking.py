"""Whether the harness may ask the service something beside a scenario."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Asking:
    """A fault that counts the service's clients hushes the harness meanwhile: it is none of them."""

    def __init__(self) -> None:
        self._hushed = 0
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def question(self) -> AsyncIterator[bool]:
        """One question at a time; gives whether it may be asked."""
        async with self._turn:
            yield self._hushed == 0

    async def hush(self) -> None:
        """Have nothing asked until `allow`, which takes back one `hush`. Returns when no question is under way."""
        self._hushed += 1
        async with self._turn:
            pass

    def allow(self) -> None:
        """Let it be asked again, as far as this `hush` forbade it."""
        self._hushed -= 1
