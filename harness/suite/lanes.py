"""Several scenarios at once: each lane is a thread with servers of its own, so that no run feels another's faults."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from harness.scenario.scenario import Scenario

GONE_WITHIN_S = 20.0
"""A lane whose servers were taken away is done by then."""


class Lanes:
    """Does the same work for each scenario, in so many lanes; `stop` takes the servers of all of them away."""

    def __init__(self, count: int, work: Callable[[Scenario], object], stop: Callable[[], None]) -> None:
        self._count = count
        self._work = work
        self._stop = stop
        self._lock = threading.Lock()
        self._left: deque[Scenario] = deque()
        self._problems: list[BaseException] = []

    def run(self, scenarios: Sequence[Scenario]) -> None:
        """Return when all is done. Raises the first problem of a lane, and KeyboardInterrupt.

        Then nothing new is begun, and what runs is cut short by taking its servers away.
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
        while (scenario := self._next()) is not None:
            try:
                self._work(scenario)
            except BaseException as problem:  # noqa: BLE001  # raised by `run`, in the thread that waits
                self._problems.append(problem)
                self._end()
                return

    def _next(self) -> Scenario | None:
        with self._lock:
            return self._left.popleft() if self._left else None

    def _end(self) -> None:
        with self._lock:
            self._left.clear()
        self._stop()
