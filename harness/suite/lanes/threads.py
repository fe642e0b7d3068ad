"""Works on several scenarios at once. Each lane is a thread, and another process performs its runs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from harness.scenario.scenario import Scenario

GONE_WITHIN_S = 20.0
"""How long a lane may take to end after it was stopped."""


class Lanes:
    """Does the same work for each scenario, in several lanes.

    Args:
        count: how many lanes.
        work: what is done for each scenario.
        stop: cuts short what all lanes do.
        lane: opened, in a lane's thread and with its name, around all the work of that lane.
    """

    def __init__(
        self,
        count: int,
        work: Callable[[Scenario], object],
        stop: Callable[[], None],
        lane: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._count = count
        self._work = work
        self._stop = stop
        self._opened = lane
        self._lock = threading.Lock()
        self._left: deque[Scenario] = deque()
        self._problems: list[BaseException] = []

    def run(self, scenarios: Sequence[Scenario]) -> None:
        """Run everything, then return. Raises the first problem of a lane, and KeyboardInterrupt.

        After a problem no further scenario begins, and what still runs is cut short.
        """
        self._left.extend(scenarios)
        threads = [threading.Thread(target=self._lane, name=f"lane-{n}", daemon=True) for n in range(self._count)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:
            self._end()
            for thread in threads:
                thread.join(GONE_WITHIN_S)
            raise
        if self._problems:
            raise self._problems[0]

    def _lane(self) -> None:
        try:
            with self._opened(threading.current_thread().name):
                while (scenario := self._next()) is not None:
                    self._work(scenario)
        except BaseException as problem:  # noqa: BLE001  # raised by `run`, in the thread that waits
            self._problems.append(problem)
            self._end()

    def _next(self) -> Scenario | None:
        with self._lock:
            return self._left.popleft() if self._left else None

    def _end(self) -> None:
        with self._lock:
            self._left.clear()
        self._stop()
