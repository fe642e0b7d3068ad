"""Recovery: after the last heal the service must acknowledge again, and must repeat its earlier answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from harness.checks.exchanges import AGAIN_MAX, by_delivery
from harness.engine.rig import RETRY_EVERY_S, Rig
from harness.engine.tasks import at_once
from harness.engine.workload import Answer
from harness.history.events import NotRecovered, Purpose, Recovered
from harness.polling import poll_async
from harness.target import Delivery
from harness.vocabulary import ACKNOWLEDGED, REFUSED

AGAIN_AT_ONCE = 8


async def recover(rig: Rig, send: Callable[[], Awaitable[Answer | None]]) -> bool:
    """Send until an answer acknowledges, up to the target's deadline. Record and return whether one did.

    `send` may return None if the service is not running: then no request was sent.
    """
    began_ns = time.monotonic_ns()
    last = "nothing was answered"

    async def acknowledged() -> bool:
        nonlocal last
        answer = await send()
        last = last if answer is None else answer.story
        return answer is not None and answer.outcome == ACKNOWLEDGED

    if await poll_async(acknowledged, within_s=rig.recovery_s, interval_s=RETRY_EVERY_S):
        rig.recorder.record("runner", Recovered(round((time.monotonic_ns() - began_ns) / 1e6, 1)))
        return True
    rig.recorder.record("runner", NotRecovered(rig.recovery_s, last))
    return False


async def send_again(rig: Rig) -> None:
    """Send deliveries again that were acknowledged or left unknown: at most AGAIN_MAX of them, evenly chosen."""
    turn = asyncio.Semaphore(AGAIN_AT_ONCE)

    async def one(delivery: Delivery) -> None:
        async with turn:
            await rig.send(Purpose.AGAIN, delivery)

    await at_once(one(delivery) for delivery in _to_send_again(rig))


def _to_send_again(rig: Rig) -> Sequence[Delivery]:
    found = by_delivery(rig.recorder.history)
    wanted = [rig.clients.sent[name] for name, sent in found.items() if any(e.outcome != REFUSED for e in sent)]
    kept = min(len(wanted), AGAIN_MAX)
    return [wanted[place * len(wanted) // kept] for place in range(kept)]
