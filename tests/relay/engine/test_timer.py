"""A delay is over when its time is, whatever the loop's own clock says."""

from __future__ import annotations

import asyncio
import time

import uvloop

from harness.relay.connection.timer import Timer

DELAY_S = 0.003
TRIES = 50


async def _waited_s(after_s: float) -> float:
    """Wait in a loop that has something to do all the time, from a moment within one of its milliseconds."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def busy() -> None:
        if not over.is_set():
            loop.call_soon(busy)

    begins_s = time.monotonic() + after_s
    while time.monotonic() < begins_s:
        pass
    began_s = time.monotonic()
    Timer(loop, DELAY_S, over.set)
    busy()
    await over.wait()
    return time.monotonic() - began_s


def test_a_timer_is_never_early() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert min(runner.run(_waited_s(number * 2e-5)) for number in range(TRIES)) >= DELAY_S


async def _cancelled() -> list[str]:
    called: list[str] = []
    Timer(asyncio.get_running_loop(), 0.0, lambda: called.append("cancelled")).cancel()
    over = asyncio.Event()
    Timer(asyncio.get_running_loop(), 0.0, over.set)
    await over.wait()
    return called


def test_a_cancelled_timer_does_not_call_back() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(_cancelled()) == []
