"""Recovery: after the last heal the service must acknowledge again, and must repeat its earlier answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from harness.checks.exchanges import AGAIN_MAX, Exchange, by_subject
from harness.engine.rig import RETRY_EVERY_S, Rig
from harness.engine.tasks import at_once
from harness.engine.workload import Answer, Errand, reading
from harness.history.events import NotRecovered, Purpose, Recovered
from harness.polling import poll_async
from harness.target import Delivery
from harness.vocabulary import CONFIRMED, NOT_STORED

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
        return answer is not None and answer.outcome in CONFIRMED

    if await poll_async(acknowledged, within_s=rig.recovery_s, interval_s=RETRY_EVERY_S):
        rig.recorder.record("runner", Recovered(round((time.monotonic_ns() - began_ns) / 1e6, 1)))
        return True
    rig.recorder.record("runner", NotRecovered(rig.recovery_s, last))
    return False


async def send_again(rig: Rig) -> None:
    """Send and read again what was acknowledged or left unknown: at most AGAIN_MAX of it, evenly chosen.

    What only the contract's own requests were about is left out: they have repeated and read it themselves.
    """
    turn = asyncio.Semaphore(AGAIN_AT_ONCE)

    async def one(delivery: Delivery, errand: Errand) -> None:
        async with turn:
            await rig.clients.send(delivery, errand)

    await at_once(one(delivery, errand) for delivery, errand in _to_send_again(rig))


def _to_send_again(rig: Rig) -> Sequence[tuple[Delivery, Errand]]:
    found = by_subject(rig.recorder.history)
    own = [sent for sent in found.values() if any(e.sent.purpose != Purpose.CONTRACT for e in sent)]
    open_to_it = [sent[0] for sent in own if any(e.outcome not in NOT_STORED for e in sent)]
    wanted = [(rig.clients.sent[e.sent.delivery], _again(e)) for e in open_to_it if e.sent.delivery in rig.clients.sent]
    kept = min(len(wanted), AGAIN_MAX)
    return [wanted[place * len(wanted) // kept] for place in range(kept)]


def _again(exchange: Exchange) -> Errand:
    if exchange.sent.reads:
        return reading(Purpose.AGAIN, exchange.sent.name)
    return Errand(purpose=Purpose.AGAIN)
