"""Plays orders on running servers, one after the other on one service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.engine.configuration import RunConfiguration, run_began
from harness.engine.laying.testbed import Testbed
from harness.search.orders.interleaving import Interleaving, Mix, Told
from harness.search.orders.orders import Order
from harness.search.sweep.lane import opened


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSettings:
    """Which orders to play. `only`: only the one that begins like this; `at_most`: how many of each mix."""

    run: RunConfiguration
    mixes: tuple[Mix, ...]
    requests: int = 2
    only: Order | None = None
    at_most: int | None = None


async def play_orders(
    bed: Testbed, settings: OrderSettings, *, repro: Callable[[Mix, str], str], told: Told
) -> tuple[Mix, ...]:
    """Play the orders and report each at once. Return the mixes that have more orders than were asked for.

    Raises HarnessError if the service does not start.
    """
    began = run_began("interleave", bed.target, settings.run)
    cut_short: list[Mix] = []
    async with bed.stack.relay.control() as relay, opened(bed, relay, settings.run) as one:
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
