"""Recovery: after the last heal the service must acknowledge again, and must repeat its earlier answers."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Collection, Sequence

from harness.checks.facts.exchanges import AGAIN_MAX, REFUSED_AGAIN_MAX, Exchange, by_subject, evenly, was_refused
from harness.engine.phases.steady import WARM_AT_ONCE
from harness.engine.rig import RETRY_EVERY_S, Rig
from harness.engine.tasks import at_once
from harness.engine.workload.clients import Answer, Errand, reading
from harness.history import History
from harness.history.events import NotRecovered, Purpose, Recovered
from harness.polling import poll_async
from harness.target import Delivery
from harness.vocabulary import CONFIRMED, NOT_STORED

AGAIN_AT_ONCE = WARM_AT_ONCE
"""No more than a steady round: a service would open connections for them, and end those at once."""


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
    """Send and read again what was acknowledged or left unknown, and some of what was refused, as its sender would.

    At most AGAIN_MAX of the former and REFUSED_AGAIN_MAX of the latter, evenly chosen. What only the contract's own
    requests were about is left out: they have repeated and read it themselves. So is the round of steady state after
    recovery: nothing has happened since.
    """
    turn = asyncio.Semaphore(AGAIN_AT_ONCE)

    async def one(delivery: Delivery, errand: Errand) -> None:
        async with turn:
            await rig.clients.send(delivery, errand)

    sent = rig.clients.sent
    await at_once(one(sent[e.sent.delivery], _again(e)) for e in to_send_again(rig.recorder.history, sent))


def to_send_again(history: History, known: Collection[str]) -> Sequence[Exchange]:
    """For everything that is to be sent or read again, the first request about it. `known`: deliveries at hand."""
    back_ns = max((entry.t_ns for entry in history.entries_of(Recovered)), default=math.inf)
    owed = [sent for sent in by_subject(history).values() if any(_is_owed(e, back_ns) for e in sent)]
    own = [sent for sent in owed if sent[0].sent.delivery in known]
    open_to_it = [sent[0] for sent in own if any(e.outcome not in NOT_STORED for e in sent)]
    refused = [sent[0] for sent in own if was_refused(sent)]
    return [*evenly(open_to_it, AGAIN_MAX), *evenly(refused, REFUSED_AGAIN_MAX)]


def _is_owed(exchange: Exchange, back_ns: float) -> bool:
    """Whether what this request was about is sent again. `back_ns`: when the service had recovered."""
    purpose = exchange.sent.purpose
    of_round = purpose in (Purpose.WARM, Purpose.HEALTHY)
    return purpose != Purpose.CONTRACT and not (of_round and exchange.span[0] > back_ns)


def _again(exchange: Exchange) -> Errand:
    if exchange.sent.reads:
        return reading(Purpose.AGAIN, exchange.sent.name)
    return Errand(purpose=Purpose.AGAIN)
