"""Plays every order of some requests against one service. The standing checks judge each order."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from harness.checks import Verdict, judge
from harness.engine.rig import Rig
from harness.history.events import (
    EvidenceSeen,
    FaultActed,
    FaultHealed,
    MomentMissed,
    Named,
    Purpose,
    Recovered,
    RunBegan,
)
from harness.search.orders.interleaver import SETTLED_WITHIN_S, Interleaver, OrderNotPlayedError, Played, Sending
from harness.search.orders.orders import Choice, Order, next_order, written
from harness.search.sweep.batch import read_rows, record_log
from harness.search.sweep.cells.histories import story
from harness.search.sweep.lane import Lane
from harness.target import Delivery
from harness.vocabulary import ACKNOWLEDGED, ANY_OUTCOME

Mix = Literal["copies", "deliveries", "read"]
"""Copies of one delivery, different deliveries, or one delivery and a read of it."""
MIXES: tuple[Mix, ...] = get_args(Mix)
SHOWN = 60
"""How many statements of an order are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderResult:
    """One order, played and judged. `told`: the statements in order. `waits`: how often a request waited for a lock."""

    mix: Mix
    requests: int
    order: Order
    verdict: Verdict
    reason: str
    failing: tuple[str, ...]
    told: tuple[str, ...]
    answers: tuple[str, ...]
    waits: int
    story: tuple[str, ...]
    repro: str

    @property
    def name(self) -> str:
        """The mix and the order: `copies 121122`."""
        return f"{self.mix} {written(self.order)}"


Told = Callable[[OrderResult], None]


class Interleaving:
    """All orders of one mix, on one lane."""

    def __init__(self, lane: Lane, mix: Mix, requests: int, began: RunBegan, repro: Callable[[str], str]) -> None:
        self._lane = lane
        self._mix: Mix = mix
        self._requests = requests
        self._began = began
        self._repro = repro
        self._count = 0

    async def every(self, told: Told, *, at_most: int | None = None) -> bool:
        """Play all orders, up to a limit. Return whether these were all.

        After an order that could not be played to its end, the next one differs before the point where it broke.
        """
        beginning: Order | None = ()
        first = self._count
        while beginning is not None and (at_most is None or self._count - first < at_most):
            result, choices = await self.one(beginning)
            told(result)
            beginning = next_order(choices)
        return beginning is None

    async def one(self, beginning: Order) -> tuple[OrderResult, Sequence[Choice]]:
        """Play the order that begins like this, and judge it."""
        self._count += 1
        rig = self._lane.new_rig()
        rig.recorder.record("runner", self._began)
        deliveries = self._deliveries()
        with self._lane.cores.recorded_if_long(rig.recorder):
            played = await self._played(rig, deliveries, beginning)
            await self._afterwards(rig, deliveries)
        judgement = judge(rig.recorder.history)
        order = played.order or beginning
        result = OrderResult(
            mix=self._mix, requests=self._requests, order=order, verdict=judgement.verdict, reason=judgement.reason,
            failing=tuple(check.name for check in judgement.failing), told=tuple(played.told),
            answers=tuple(str(answer) for answer in played.answers), waits=played.waits,
            story=tuple(story(rig.recorder.history)) if judgement.verdict is not Verdict.HELD else (),
            repro=self._repro(written(order)),
        )  # fmt: skip
        return result, played.choices

    def _deliveries(self) -> Sequence[Delivery]:
        if self._mix == "deliveries":
            return [self._lane.make() for _ in range(self._requests)]
        return [self._lane.make()] * self._requests

    async def _played(self, rig: Rig, deliveries: Sequence[Delivery], beginning: Order) -> Played:
        interleaver = Interleaver(self._lane, rig, f"{self._lane.number}/order-{self._count}")
        rig.recorder.record("runner", FaultActed(1, Named(f"order {self._mix} {written(beginning)}...")))
        played = Played()
        try:
            await interleaver.play(played, self._sends(rig, deliveries), beginning, between=self._between)
        except OrderNotPlayedError as problem:
            order = Named(f"order {written(beginning)}")
            rig.recorder.record("runner", MomentMissed(order, False, SETTLED_WITHIN_S, str(problem)))
        if played.told:
            detail = f"{written(played.order)}: {', '.join(played.told[:SHOWN])}"
            rig.recorder.record("relay", EvidenceSeen(1, "wire_order", "relay", detail))
        rig.recorder.record("runner", FaultHealed(1))
        return played

    def _sends(self, rig: Rig, deliveries: Sequence[Delivery]) -> Sequence[Sending]:
        def sender(number: int) -> Sending:
            delivery = deliveries[number]
            reads = self._mix == "read" and number == self._requests - 1
            expected = ANY_OUTCOME if reads else ACKNOWLEDGED
            return functools.partial(
                self._lane.deliver, rig, delivery, Purpose.SCENARIO, expected=expected, reads=reads
            )

        return [sender(number) for number in range(self._requests)]

    async def _between(self) -> None:
        """Empty Redis, so that only the database distinguishes copies, and each takes the whole way."""
        for link in self._lane.site.links.values():
            await link.own.forget()

    async def _afterwards(self, rig: Rig, deliveries: Sequence[Delivery]) -> None:
        """Check that the service still works, read rows, send again, read rows."""
        lane = self._lane
        answer = await lane.deliver(rig, lane.make(), Purpose.RECOVERY)
        if answer.outcome == ACKNOWLEDGED:
            rig.recorder.record("runner", Recovered(round(answer.took_ms, 1)))
        await read_rows([rig])
        for delivery in dict.fromkeys(deliveries):
            await lane.deliver(rig, delivery, Purpose.AGAIN)
        if self._mix == "read":
            await lane.deliver(rig, deliveries[-1], Purpose.AGAIN, reads=True)
        await read_rows([rig])
        record_log(lane, rig)
        lane.go_on_with(None)


__all__ = ["MIXES", "Interleaving", "Mix", "OrderResult"]
