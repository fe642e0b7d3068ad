"""What a fault does beside the scenario: one task, which its injection owns."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


class Background:
    """One task, from `begin` to `end`. Nobody else awaits it, so its owner calls `end` and then `check`."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def begin(self, work: Coroutine[object, object, None]) -> None:
        """Start the task."""
        self._task = asyncio.create_task(work)

    async def end(self, *, cancel: bool) -> None:
        """Return when the task is over; with `cancel`, have it give up.

        Whoever is cancelled meanwhile has not lost the task: another call ends it.
        """
        if self._task is None:
            return
        if cancel:
            self._task.cancel()
        await asyncio.wait([self._task])

    def check(self) -> None:
        """Raise what broke the task, once. It is over by then, or was never begun."""
        task, self._task = self._task, None
        if task is not None and not task.cancelled():
            task.result()
