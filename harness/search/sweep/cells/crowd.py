"""Sends many deliveries at once: if a service handles them one after the other, the last one waits for all others.

One message of each is late by the same time, so this does not measure how fast the machine is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from harness.engine.observing.cores import cores_recorded, processes_of
from harness.engine.rig import Rig
from harness.engine.tasks import at_once
from harness.engine.workload.clients import Answer, Errand
from harness.history.events import Purpose
from harness.search.sweep.lane import Lane
from harness.target import Delivery, Target
from harness.vocabulary import ACKNOWLEDGED, NO_WORD

SIZE: Final = 20
CROWD_DELAY_MS: Final = 300.0


def limit_ms(target: Target) -> float:
    """The time limit of each: half of them one after the other, or all of them over the target's connections.

    The second is for a service that may have few connections, whose requests have to wait for each other.
    """
    rounds = math.ceil(SIZE / target.description.limits.connections) + 1
    return CROWD_DELAY_MS * max(SIZE / 2, rounds)


async def many_at_once(lane: Lane, rig: Rig, first: Delivery) -> Sequence[tuple[Delivery, Answer]]:
    """Deliver this one and others beside it, all at once; return each with its answer."""
    deliveries = [first, *(lane.make() for _ in range(SIZE - 1))]
    errand = Errand(purpose=Purpose.SCENARIO, expected=ACKNOWLEDGED | NO_WORD, slower_ms_max=limit_ms(lane.bed.target))
    async with cores_recorded(lambda: processes_of(lane.site, lane.bed), rig.recorder):
        answers = await at_once(rig.clients.send(delivery, errand) for delivery in deliveries)
    return list(zip(deliveries, answers, strict=True))


__all__ = ["CROWD_DELAY_MS", "SIZE", "limit_ms", "many_at_once"]
