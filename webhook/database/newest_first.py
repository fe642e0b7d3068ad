"""A pool that gives a free connection to the request that came last.

When more requests arrive than can be served, a queue in order of arrival makes all of them wait equally long. Soon this
is longer than any client waits, and the client of each served request has already given up: the service is fully busy
for nothing, and stays so while clients retry. The client of the newest request is most likely still there.
"""

import asyncio
from typing import Generic, TypeVar

from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import memoized_property
from sqlalchemy.util.queue import AsyncAdaptedQueue

T = TypeVar("T")


class NewestFirst(asyncio.Queue[T], Generic[T]):
    """Wakes the task that started to wait last; asyncio's own queue wakes the first."""

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
        """Add an item, and wake one waiting task."""
        super().put_nowait(item)
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            woken = self._waiting.pop()
            if not woken.done():
                woken.set_result(None)
                return


class NewestFirstOfTheLast(NewestFirst[T], asyncio.LifoQueue[T]):
    """It also returns the item that was added last: the most recently used connection."""


class NewestFirstQueue(AsyncAdaptedQueue[ConnectionPoolEntry]):
    """The pool's queue of free connections."""

    @memoized_property
    def _queue(self) -> asyncio.Queue[ConnectionPoolEntry]:
        kind = NewestFirstOfTheLast if self.use_lifo else NewestFirst
        return kind(maxsize=self.maxsize)


class NewestFirstPool(AsyncAdaptedQueuePool):
    """In all other ways SQLAlchemy's pool for asyncio."""

    _queue_class = NewestFirstQueue
