"""Plays orders on servers that run: on one service, one order after the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from harness.engine.laying.testbed import Testbed
from harness.history.events import RunBegan
from harness.search.orders.interleaving import Interleaving, Mix, Told
from harness.search.orders.orders import Order
from harness.search.sweep.lane import LaneSettings, opened


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSettings:
    """Which orders to play. `only`: no other than the one that begins like this; `at_most`: of each mix."""

    lane: LaneSettings
    mixes: tuple[Mix, ...]
    requests: int = 2
    only: Order | None = None
    at_most: int | None = None


async def play_orders(
    bed: Testbed, settings: OrderSettings, *, repro: Callable[[Mix, str], str], told: Told
) -> tuple[Mix, ...]:
    """Play them, and tell of each at once. Return the mixes that have more orders than were asked for.

    Raises HarnessError where the service does not start.
    """
    lane = settings.lane
    began = RunBegan(
        "interleave", lane.profile, lane.without, lane.seed, str(bed.target.path),
        bed.target.description.limits.request_deadline_ms, dt.datetime.now(dt.UTC).isoformat(),
    )  # fmt: skip
    cut_short: list[Mix] = []
    async with bed.stack.relay.control() as relay, opened(bed, relay, lane) as one:
        for mix in settings.mixes:

            def line(order: str, mix: Mix = mix) -> str:
                return repro(mix, order)

            playing = Interleaving(one, mix, settings.requests, began, line)
            if settings.only is None:
                if not await playing.every(told, at_most=settings.at_most):
                    cut_short.append(mix)
            else:
                result, _ = await playing.one(settings.only)
                told(result)
    return tuple(cut_short)


__all__ = ["OrderSettings", "play_orders"]
