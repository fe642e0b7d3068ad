"""The one place where the stack polls for a state that no event announces."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NotReadyError(Exception):
    """A probe's answer: not yet, and why."""


class EndedError(Exception):
    """The state can no longer be reached: the process ended."""


def wait_ready(probe: Callable[[], T], *, ended: threading.Event, deadline_s: float, interval_s: float = 0.01) -> T:
    """Call `probe` until it does not raise NotReadyError; return its result.

    Raises EndedError at once if `ended` is set, and TimeoutError, with the last reason, when `deadline_s` has passed.
    Other exceptions of the probe pass through.
    """
    deadline = time.monotonic() + deadline_s
    while not ended.is_set():
        try:
            return probe()
        except NotReadyError as error:
            reason = error
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0:
            raise TimeoutError(str(reason)) from reason
        ended.wait(min(interval_s, remaining_s))
    raise EndedError
