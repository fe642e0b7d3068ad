"""Two deliveries at once, always in the same order: the second comes while the first is in its COMMIT."""

from __future__ import annotations

import asyncio

from harness.history.events import Purpose
from harness.polling import poll_async
from harness.protocols.contract.search import SEARCHED
from harness.relay import Hold, Match, Rule
from harness.search.sweep.cell_history import CellHistory
from harness.search.sweep.http import Reply
from harness.search.sweep.lane import Lane
from harness.target import Delivery
from harness.vocabulary import Outcome

MET_WITHIN_S = 1.0
"""Where the fault keeps one of them from coming so far, the other does not wait for it any longer."""
LOOK_EVERY_S = 0.005


async def two_at_once(
    lane: Lane, delivery: Delivery, history: CellHistory, name: str, *, expected: Outcome
) -> tuple[Reply, Reply]:
    """Send two copies of a delivery, the second when the first's COMMIT is held; return both answers."""
    holds = [
        Rule(id=f"{name}/hold/{laid.link}", hop=laid.hop, match=Match(direction="sent", phase="commit"), action=Hold())
        for laid in lane.links.values()
        if SEARCHED.of(laid.link.protocol).transactions is not None
    ]
    for hold in holds:
        await lane.relay.arm(hold)
    try:
        first = asyncio.ensure_future(lane.deliver(delivery, Purpose.SCENARIO, history, expected=expected))
        await _until(lane, first, holds)
        second = asyncio.ensure_future(lane.deliver(delivery, Purpose.SCENARIO, history, expected=expected, client=1))
        await _until_blocked(lane, second)
    finally:
        for hold in holds:
            await lane.relay.disarm(hold.id)
    return await first, await second


async def _until(lane: Lane, sending: asyncio.Future[Reply], holds: list[Rule]) -> None:
    async def held_or_over() -> bool:
        return sending.done() or any(hold.id in lane.fired for hold in holds)

    await poll_async(held_or_over, within_s=MET_WITHIN_S, interval_s=LOOK_EVERY_S)


async def _until_blocked(lane: Lane, sending: asyncio.Future[Reply]) -> None:
    async def blocked_or_over() -> bool:
        return sending.done() or await lane.waiting_for_locks() > 0

    await poll_async(blocked_or_over, within_s=MET_WITHIN_S, interval_s=LOOK_EVERY_S)


__all__ = ["two_at_once"]
