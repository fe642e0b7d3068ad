"""The one place that waits by looking again: for states of which no event is to be had."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

INTERVAL_S = 0.01


async def poll(look: Callable[[], T | None], *, within_s: float, interval_s: float = INTERVAL_S) -> T | None:
    """Call `look` until it returns something true; None when the time is over.

    It looks at least once, and once more at the deadline.
    """

    async def looked() -> T | None:
        return look()

    return await poll_async(looked, within_s=within_s, interval_s=interval_s)


async def poll_async(
    look: Callable[[], Awaitable[T | None]], *, within_s: float, interval_s: float = INTERVAL_S
) -> T | None:
    """Do the same with a `look` that has to be awaited."""
    deadline = time.monotonic() + within_s
    while True:
        late = time.monotonic() >= deadline
        found = await look()
        if found or late:
            return found or None
        await asyncio.sleep(interval_s)
