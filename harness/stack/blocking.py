"""Runs a coroutine from synchronous code, whether or not this thread has a running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the coroutine's result. It runs in a new event loop and thread (about 1 ms)."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="harness-blocking") as pool:
        return pool.submit(asyncio.run, coroutine).result()
