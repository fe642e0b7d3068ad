"""Recovery: after the last heal the service must acknowledge again, and must repeat its earlier answers."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Collection, Sequence

from harness.checks.facts.exchanges import (
    AGAIN_MAX,
    REFUSED_AGAIN_MAX,
    Exchange,
    by_subject,
    changed_deliveries,
    evenly,
    was_refused,
)
from harness.engine.phases.steady import WARM_AT_ONCE
from harness.engine.rig import RETRY_EVERY_S, Rig
from harness.engine.tasks import at_once
from harness.engine.workload.clients import Answer, Errand, reading
from harness.history import History
from harness.history.events import NotRecovered, Purpose, Recovered
from harness.polling import poll_async
from harness.vocabulary import CONFIRMED, NOT_STORED

AGAIN_AT_ONCE = WARM_AT_ONCE
"""Not more than in a steady round: a service would open connections for them, and close those at once."""


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
    """Send and read again deliveries that were acknowledged or unknown: at most AGAIN_MAX, evenly chosen.

    Deliveries of the contract's own requests are left out, because the contract has repeated and read them itself. So
    is the round of steady state after recovery, because nothing has happened since.
    """
    found = to_send_again(rig.recorder.history, rig.clients.sent)
    await _send_all(rig, [(each, _again(each)) for each in found])


async def send_refused_again(rig: Rig, read_rows: Callable[[], Awaitable[None]]) -> None:
    """Read some refused deliveries, and send them again, as a sender would: at most REFUSED_AGAIN_MAX, evenly chosen.

    `read_rows` is called before that, if there are any: after a retry, a delivery's row no longer shows a false
    refusal. They are also read before: a service may have one in its cache and not in its database.
    """
    refused = refused_to_send_again(rig.recorder.history, rig.clients.sent)
    if refused:
        await read_rows()
        reads = [reading(Purpose.CONTRACT, name) for name in rig.target.description.reads]
        await _send_all(rig, [(each, errand) for each in refused for errand in reads])
        await _send_all(rig, [(each, _again(each)) for each in refused])


def to_send_again(history: History, known: Collection[str]) -> Sequence[Exchange]:
    """The first request of each subject to send or read again. `known`: the deliveries that can be sent."""
    open_to_it = [sent[0] for sent in _owed(history, known) if any(e.outcome not in NOT_STORED for e in sent)]
    return evenly(open_to_it, AGAIN_MAX)


def refused_to_send_again(history: History, known: Collection[str]) -> Sequence[Exchange]:
    """The first request of each refused delivery to send again. `known`: the deliveries that can be sent."""
    return evenly([sent[0] for sent in _owed(history, known) if was_refused(sent)], REFUSED_AGAIN_MAX)


async def _send_all(rig: Rig, about: Sequence[tuple[Exchange, Errand]]) -> None:
    turn, sent = asyncio.Semaphore(AGAIN_AT_ONCE), rig.clients.sent

    async def one(exchange: Exchange, errand: Errand) -> None:
        async with turn:
            await rig.clients.send(sent[exchange.sent.delivery], errand)

    await at_once(one(*each) for each in about)


def _owed(history: History, known: Collection[str]) -> Sequence[Sequence[Exchange]]:
    """All requests about each subject to which something may have happened since."""
    back_ns = max((entry.t_ns for entry in history.entries_of(Recovered)), default=math.inf)
    found = [sent for sent in by_subject(history).values() if any(_is_owed(e, back_ns) for e in sent)]
    changed = changed_deliveries(history)
    return [sent for sent in found if sent[0].sent.delivery in known and sent[0].sent.delivery not in changed]


def _is_owed(exchange: Exchange, back_ns: float) -> bool:
    """Whether this request's delivery is sent again. `back_ns`: when the service had recovered."""
    purpose = exchange.sent.purpose
    of_round = purpose in (Purpose.WARM, Purpose.HEALTHY)
    return purpose != Purpose.CONTRACT and not (of_round and exchange.span[0] > back_ns)


def _again(exchange: Exchange) -> Errand:
    if exchange.sent.reads:
        return reading(Purpose.AGAIN, exchange.sent.name)
    return Errand(purpose=Purpose.AGAIN)
