"""Sends two deliveries that always overlap in the same way: the second starts while the first is in its COMMIT."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from harness.engine.observing.stored import waiting_for_locks
from harness.engine.rig import Rig
from harness.engine.tasks import owned, results
from harness.engine.workload import Answer
from harness.history.events import Purpose
from harness.polling import poll_async
from harness.relay import Hold, Match, Rule
from harness.search.sweep.lane import Lane
from harness.target import Delivery
from harness.vocabulary import Outcome

MET_WITHIN_S = 1.0
"""After this time, a copy no longer waits for the other: the fault may keep that one from its COMMIT."""
LOOK_EVERY_S = 0.005


async def two_at_once(lane: Lane, rig: Rig, delivery: Delivery, name: str, *, expected: Outcome) -> Sequence[Answer]:
    """Send two copies of a delivery, the second when the first's COMMIT is held; return both answers."""
    holds = [
        Rule(id=f"{name}/hold/{laid.link}", hop=laid.hop, match=Match(direction="sent", phase="commit"), action=Hold())
        for laid in lane.with_transactions
    ]
    sending: list[asyncio.Task[Answer]] = []

    def send() -> asyncio.Task[Answer]:
        sending.append(asyncio.create_task(lane.deliver(rig, delivery, Purpose.SCENARIO, expected=expected)))
        return sending[-1]

    async with owned(sending):
        try:
            for hold in holds:
                await lane.relay.arm(hold)
            await _until_held(lane, send(), holds)
            await _until_blocked(rig, send())
        finally:
            for hold in holds:
                await lane.relay.disarm(hold.id)
        return await results(sending)


async def _until_held(lane: Lane, sending: asyncio.Task[Answer], holds: list[Rule]) -> None:
    async def held_or_over() -> bool:
        return sending.done() or any(hold.id in lane.reports.fired for hold in holds)

    await poll_async(held_or_over, within_s=MET_WITHIN_S, interval_s=LOOK_EVERY_S)


async def _until_blocked(rig: Rig, sending: asyncio.Task[Answer]) -> None:
    async def blocked_or_over() -> bool:
        return sending.done() or await waiting_for_locks(rig) > 0

    await poll_async(blocked_or_over, within_s=MET_WITHIN_S, interval_s=LOOK_EVERY_S)


__all__ = ["two_at_once"]
