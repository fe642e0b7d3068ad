"""Calls back after a time, and not before it is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Timer:
    """uvloop's timers count whole milliseconds: in a busy loop they are up to one millisecond early.

    A delay of 20 ms was over after 19.4 ms.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, delay_s: float, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._due_s = time.monotonic() + delay_s
        self._handle = loop.call_later(delay_s, self._over)

    def cancel(self) -> None:
        """Do not call back anymore."""
        self._handle.cancel()

    def _over(self) -> None:
        left_s = self._due_s - time.monotonic()
        if left_s > 0:
            self._handle = self._loop.call_later(left_s, self._over)
        else:
            self._callback()
