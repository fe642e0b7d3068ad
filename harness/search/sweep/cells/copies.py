"""Sends two deliveries that always overlap in the same way: the second starts while the first is in its COMMIT."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from harness.engine.observing.servers.stored import waiting_for_locks
from harness.engine.rig import Rig
from harness.engine.tasks import owned, results
from harness.engine.workload.clients import Answer
from harness.history.events import Purpose
from harness.polling import poll_async
from harness.relay import Hold, Match, Phase, Rule
from harness.search.sweep.lane import Lane
from harness.target import Delivery
from harness.vocabulary import Outcome

MET_WITHIN_S = 1.0
"""The limit with a fault in force, which may keep the other copy from its COMMIT."""
LOOK_EVERY_S = 0.005
HELD_PHASE: Phase = "commit"
NOT_HELD = "the first copy was not held in its COMMIT"
NOT_WAITING = "the second copy did not wait for a lock of the first, which was held in its COMMIT"
OVERLAPPED = "the second copy waited for a lock of the first, which was held in its COMMIT"


@dataclass(frozen=True, slots=True)
class Copies:
    """Both answers, and whether the copies overlapped.

    `apart`: why they did not; empty if they did. `known_ns`: when that was known (CLOCK_MONOTONIC, nanoseconds).
    """

    answers: Sequence[Answer]
    apart: str
    known_ns: int


async def two_at_once(
    lane: Lane, rig: Rig, delivery: Delivery, name: str, *, expected: Outcome, within_s: float = MET_WITHIN_S
) -> Copies:
    """Send two copies of a delivery, the second when the first's COMMIT is held; return both answers.

    `within_s`: after this time, neither waits for the other.
    """
    holds = [
        Rule(
            id=f"{name}/hold/{laid.link}", hop=laid.hop, match=Match(direction="sent", phase=HELD_PHASE), action=Hold()
        )
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
            apart = "" if await _until_held(lane, send(), holds, within_s) else NOT_HELD
            known_ns = time.monotonic_ns()
            blocked = await _until_blocked(rig, send(), within_s)
            if not apart:
                apart, known_ns = "" if blocked else NOT_WAITING, time.monotonic_ns()
        finally:
            for hold in holds:
                await lane.relay.disarm(hold.id)
        return Copies(await results(sending), apart, known_ns)


async def _until_held(lane: Lane, sending: asyncio.Task[Answer], holds: list[Rule], within_s: float) -> bool:
    """Wait until the relay holds a COMMIT, or the request is over; return whether it holds one."""

    def held() -> bool:
        return any(hold.id in lane.reports.fired for hold in holds)

    async def held_or_over() -> bool:
        return sending.done() or held()

    await poll_async(held_or_over, within_s=within_s, interval_s=LOOK_EVERY_S)
    return held()


async def _until_blocked(rig: Rig, sending: asyncio.Task[Answer], within_s: float) -> bool:
    """Wait until a session of the service waits for a lock, or the request is over; return whether one waits."""
    blocked = False

    async def blocked_or_over() -> bool:
        nonlocal blocked
        blocked = await waiting_for_locks(rig) > 0
        return blocked or sending.done()

    await poll_async(blocked_or_over, within_s=within_s, interval_s=LOOK_EVERY_S)
    return blocked


__all__ = ["HELD_PHASE", "MET_WITHIN_S", "OVERLAPPED", "Copies", "two_at_once"]
