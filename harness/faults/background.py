"""A task that a fault runs beside the scenario. The fault's injection owns it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


class Background:
    """One task, from `begin` to `end`. Only its owner awaits it: it calls `end`, and then `check`."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def begin(self, work: Coroutine[object, object, None]) -> None:
        """Start the task."""
        self._task = asyncio.create_task(work)

    async def end(self, *, cancel: bool) -> None:
        """Wait until the task is over; with `cancel`, cancel it first.

        If the caller is cancelled while it waits, the task is not lost: another call ends it.
        """
        if self._task is None:
            return
        if cancel:
            self._task.cancel()
        await asyncio.wait([self._task])

    def check(self) -> None:
        """Raise what the task raised, once. Call it after `end`."""
        task, self._task = self._task, None
        if task is not None and not task.cancelled():
            task.result()
