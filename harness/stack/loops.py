"""Passes reports from the keeper's reader thread to a run's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def call_in(loop: asyncio.AbstractEventLoop, callback: Callable[[T], None], value: T) -> None:
    """Call `callback(value)` in the loop, from any thread. Do nothing if the loop is closed."""
    try:
        loop.call_soon_threadsafe(callback, value)
    except RuntimeError:
        # It may close between a question and the call; then the run that would have wanted to know is over.
        if not loop.is_closed():
            raise
