"""Ends a run when a server that it needs dies without a fault."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.history import Recorder
from harness.history.events import ServerDied
from harness.stack import DeadServer, Stack
from harness.stack.loops import call_in


@asynccontextmanager
async def ended_by_deaths(stack: Stack, recorder: Recorder) -> AsyncIterator[None]:
    """Record a server's death and end the block at once: what came after it would prove nothing."""
    loop = asyncio.get_running_loop()
    block = asyncio.timeout(None)
    try:
        async with block:

            def ended(dead: DeadServer) -> None:
                recorder.record("server", ServerDied(dead.name, dead.exit_status, dead.log_tail))
                if not (over or block.expired()):
                    block.reschedule(loop.time())  # this limit was not set before

            over = False
            unsubscribe = stack.on_death(functools.partial(call_in, loop, ended))
            try:
                yield
            finally:
                over = True
                unsubscribe()
    except TimeoutError:
        if not block.expired():
            raise


__all__ = ["ended_by_deaths"]
