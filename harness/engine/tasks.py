"""Tasks with an owner: when the owning block ends, for any reason, they are cancelled and awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def owned(tasks: Sequence[asyncio.Task[Any]]) -> AsyncIterator[None]:
    """Cancel the tasks that still run when the block ends, and wait for their end."""
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            # Not awaited one by one: a cancellation of this task could not be distinguished from theirs.
            await asyncio.wait(tasks)


async def results(tasks: Sequence[asyncio.Task[T]]) -> Sequence[T]:
    """Wait for all of them and return their results. If one fails, cancel the others and raise its error.

    Unlike `asyncio.TaskGroup` it raises that error itself, because callers catch it by its class.
    """
    async with owned(tasks):
        return await asyncio.gather(*tasks)


async def at_once(coroutines: Iterable[Coroutine[Any, Any, T]]) -> Sequence[T]:
    """Run all of them at once; see `results`."""
    return await results([asyncio.create_task(each) for each in coroutines])
