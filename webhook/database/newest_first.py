"""A pool that gives a free connection to the request that came last.

When more comes than can be served, a queue in order of arrival makes everyone wait equally long. Soon that is longer
than any client waits, and each request that is served was given up before: the service is as busy as can be, for
nobody, and stays so while clients try again. The newest request is the one whose client is most likely still there.
"""

import asyncio
from typing import Generic, TypeVar

from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import memoized_property
from sqlalchemy.util.queue import AsyncAdaptedQueue

T = TypeVar("T")


class NewestFirst(asyncio.Queue[T], Generic[T]):
    """Wakes whoever began to wait last; asyncio's own wakes the first."""

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self._waiting: list[asyncio.Future[None]] = []

    async def get(self) -> T:
        """Take an item, or wait for one."""
        while self.empty():
            woken = asyncio.get_running_loop().create_future()
            self._waiting.append(woken)
            try:
                await woken
            except BaseException:
                if woken in self._waiting:
                    self._waiting.remove(woken)
                elif not self.empty():
                    self._wake()  # it was woken, and cannot take it any more
                raise
        return self.get_nowait()

    def put_nowait(self, item: T) -> None:
        """Add an item, and wake one who waits."""
        super().put_nowait(item)
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            woken = self._waiting.pop()
            if not woken.done():
                woken.set_result(None)
                return


class NewestFirstOfTheLast(NewestFirst[T], asyncio.LifoQueue[T]):
    """It also gives what was put into it last: the connection that was used last."""


class NewestFirstQueue(AsyncAdaptedQueue[ConnectionPoolEntry]):
    """The pool's queue of free connections."""

    @memoized_property
    def _queue(self) -> asyncio.Queue[ConnectionPoolEntry]:
        kind = NewestFirstOfTheLast if self.use_lifo else NewestFirst
        return kind(maxsize=self.maxsize)


class NewestFirstPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool for asyncio in all else."""

    _queue_class = NewestFirstQueue
