"""Records whether the machine had enough cores, for each cell and order that took long.

A look at the run's processes takes one to two milliseconds of CPU, and a cell about fifteen. So a lane looks at most
four times a second, and a short cell gets no figures, because the checks' time limits are longer than the cell. With
eight lanes on two cores a usual cell takes 0.1 to 0.2 s: when each of those was looked at, a quarter of the sweep's own
CPU went into it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from harness.engine.observing.cores import LANE, Cores
from harness.history import Recorder

LOOK_EVERY_S: Final = 0.25
LONG_S: Final = 0.25


class LaneCores:
    """Used in the thread in which the lane's clients are.

    Example:
        >>> with lane.cores.recorded_if_long(rig.recorder):
        ...     await lane.deliver(rig, lane.make(), Purpose.SCENARIO)
    """

    def __init__(self, cores: Cores) -> None:
        self._cores = cores
        self._looked_s = time.monotonic()

    @contextmanager
    def recorded_if_long(self, recorder: Recorder) -> Iterator[None]:
        """If the block takes long, record who waited for a core in that time, and in at most 0.25 s before it."""
        began_s = time.monotonic()
        if began_s - self._looked_s > LOOK_EVERY_S:
            self._cores.since_last()
            self._looked_s = began_s
        try:
            yield
        finally:
            ended_s = time.monotonic()
            if ended_s - began_s > LONG_S:
                recorder.record(LANE, self._cores.since_last())
                self._looked_s = ended_s


__all__ = ["LaneCores"]
