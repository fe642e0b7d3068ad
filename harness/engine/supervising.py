"""A supervisor: it restarts the service when it has ended, as production's supervisor does."""

from __future__ import annotations

import asyncio
import math

from harness.engine.rig import RETRY_EVERY_S, Rig
from harness.engine.tasks import owned
from harness.history.events import ServiceNotStarted, Supervised
from harness.polling import poll_async
from harness.stack.service.service import END, STOP, EndOfService
from harness.stack.service.start import ServiceStartError

SEEN_EVERY_S = 0.01


class Supervisor:
    """Restarts the service after each end with a status that is not 0, `restarts` times at most."""

    def __init__(self, rig: Rig, restarts: int) -> None:
        self._rig = rig
        self._restarts = restarts
        self._seen = rig.site.service.last_end
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Watch from now on."""
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        for number in range(1, self._restarts + 1):
            end = await self._next_end()
            self._rig.recorder.record("service", Supervised(number, self._restarts, end.pid, end.status))
            try:
                await self._rig.start_if_gone()
            except ServiceStartError as problem:
                if self._rig.site.service.running:  # it lives, but never reported it: nothing will end it
                    self._rig.recorder.record("service", ServiceNotStarted(str(problem), problem.waited_s))
                await asyncio.sleep(RETRY_EVERY_S)  # as a supervisor does between two starts

    async def _next_end(self) -> EndOfService:
        found: list[EndOfService] = []

        async def ended() -> bool:
            if self._owed is not None:
                found.append(self._owed)
            return bool(found)

        await poll_async(ended, within_s=math.inf, interval_s=SEEN_EVERY_S)
        self._seen = found[0]
        return found[0]

    @property
    def _owed(self) -> EndOfService | None:
        """The last end, if it was a failure and no start has followed yet."""
        end = self._rig.site.service.last_end
        failed = end is not None and end.status != 0 and end.asked_by not in {STOP, END}
        return end if failed and end != self._seen else None

    async def end(self) -> None:
        """Wait until the service is alive again, if a restart is due; then stop watching."""
        if self._task is None:
            return
        async with owned([self._task]):
            await poll_async(self._settled, within_s=self._rig.target.description.service.start_within_s)
        if not self._task.cancelled():
            self._task.result()  # an error of the harness

    async def _settled(self) -> bool:
        over = self._task is None or self._task.done()
        return over or (self._owed is None and self._rig.site.service.alive)
