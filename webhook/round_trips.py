"""Asks Redis once for keys that arrive together, as group commit stores deliveries that arrive together.

The first key is sent at once, alone. Keys that arrive meanwhile wait, and share the next round trip: a pipeline. So
nothing changes with one client. A slow round trip delays no other: the next one starts beside it. A caller that gives
up leaves the pipeline to the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from webhook.database.slots import Slot, Slots
from webhook.metrics import Metrics

AT_ONCE_MAX = 100
"""How many round trips run at once, including slow ones. Each has its own connection."""


class _Question:
    """A key that waits for its turn, and then for its answer."""

    __slots__ = ("answer", "key")

    def __init__(self, key: str) -> None:
        self.key = key
        self.answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()


class RoundTrips:
    """Asks for one key per caller, and for several at once when it can."""

    def __init__(
        self,
        one: Callable[[str], Awaitable[object]],
        several: Callable[[Sequence[str]], Awaitable[Sequence[object]]],
        *,
        keys_max: int,
        quick_s: float,
        limit_s: float | None,
        metrics: Metrics,
    ) -> None:
        """`several`: returns one answer per key, in their order; an exception is raised for the key's caller.

        `limit_s`: after this time a pipeline is given up, because no caller waits for it any more. None: never.
        """
        self._one = one
        self._several = several
        self._keys_max = keys_max
        self._limit_s = limit_s
        self._metrics = metrics
        self._slots = Slots(few=1, most=AT_ONCE_MAX, quick_s=quick_s, freed=self._depart)
        self._waiting: list[_Question] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many keys wait for their turn."""
        return len(self._waiting)

    async def ask(self, key: str) -> object:
        """Return the key's answer. Raises the round trip's exception, or the answer itself if it is an exception."""
        if self._slots.free:
            slot = self._slots.take()
            try:
                return await self._one(key)
            finally:
                slot.give_back()
        question = _Question(key)
        self._waiting.append(question)
        return await question.answer

    async def close(self) -> None:
        """Give up the running round trips."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _depart(self) -> None:
        """Start as many round trips as possible for the waiting keys."""
        self._waiting = [each for each in self._waiting if not each.answer.done()]
        while self._waiting and self._slots.free:
            asked, self._waiting = self._waiting[: self._keys_max], self._waiting[self._keys_max :]
            task = asyncio.create_task(self._go(asked, self._slots.take()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _go(self, asked: Sequence[_Question], slot: Slot) -> None:
        try:
            async with asyncio.timeout(self._limit_s):
                answers = await self._several([each.key for each in asked])
        except Exception as error:  # noqa: BLE001 - it is each caller's: a wrong reply may raise anything in the parser
            answers = [error] * len(asked)
        finally:
            slot.give_back()
        if len(asked) > 1:
            self._metrics.redis_batched.inc(len(asked))
        for each, answer in zip(asked, answers, strict=True):
            _answer(each, answer)


def _answer(question: _Question, answer: object) -> None:
    """Tell the caller, if it is still there."""
    if question.answer.done():
        return
    if isinstance(answer, Exception):
        question.answer.set_exception(answer)
    else:
        question.answer.set_result(answer)
