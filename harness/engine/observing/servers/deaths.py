"""Ends a run when a server that it needs dies without a fault."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from harness.faults.site import ServerChange
from harness.history import Recorder
from harness.history.events import ServerDied
from harness.stack import DeadServer, Stack
from harness.stack.loops import call_in


@asynccontextmanager
async def ended_by_deaths(stack: Stack, recorder: Recorder, changes: Sequence[ServerChange]) -> AsyncIterator[None]:
    """Record a server's death and end the block at once, because later events would prove nothing.

    The block continues if a fault of this run may have ended the server, perhaps on purpose. If the server has served
    the harness since that fault, the fault did not end it. `changes` grows while the block runs.
    """
    before = len(changes)
    loop = asyncio.get_running_loop()
    block = asyncio.timeout(None)
    try:
        async with block:

            def ended(dead: DeadServer) -> None:
                made = [change for change in changes[before:] if change.server == dead.name]
                fault = next((change.fault for change in reversed(made) if change.may_end_it), None)
                survived = made[-1].fault if made and fault is None else None
                recorder.record("server", ServerDied(dead.name, dead.exit_status, dead.log_tail, fault, survived))
                if fault is None and not (over or block.expired()):
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
