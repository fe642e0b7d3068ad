"""The one place that waits by checking repeatedly, for states that send no event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

INTERVAL_S = 0.01


async def poll(look: Callable[[], T | None], *, within_s: float, interval_s: float = INTERVAL_S) -> T | None:
    """Call `look` until it returns something true, and return that; None if it does not within `within_s`.

    It is called at least once, and once more at the deadline. `interval_s`: the time between two calls.
    """

    async def looked() -> T | None:
        return look()

    return await poll_async(looked, within_s=within_s, interval_s=interval_s)


async def poll_async(
    look: Callable[[], Awaitable[T | None]], *, within_s: float, interval_s: float = INTERVAL_S
) -> T | None:
    """Do the same as `poll` with a `look` that must be awaited."""
    deadline = time.monotonic() + within_s
    while True:
        late = time.monotonic() >= deadline
        found = await look()
        if found or late:
            return found or None
        await asyncio.sleep(interval_s)
