"""Loads the service: measures its capacity, and sends requests at given times, even if earlier ones are open.

A client that waits for each answer before its next request slows down with the service, and so hides how late
everything is. Here an unanswered request delays no other.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence

from harness.checks.standing.goodput import BEFORE_S, JUDGED_S
from harness.engine.rig import Rig
from harness.engine.tasks import at_once, owned, results
from harness.engine.workload.clients import Answer, Errand
from harness.engine.workload.load_steps import Arrivals, Capacity, ComesBack
from harness.engine.workload.requests import scenario_requests
from harness.errors import UsageError
from harness.history.events import (
    CapacityMeasured,
    DisturbanceBegan,
    DisturbanceGone,
    GoodputWatched,
    LoadBegan,
    LoadEnded,
    Purpose,
    RequestSent,
)
from harness.target import Delivery
from harness.vocabulary import CONFIRMED, NO_WORD


class Load:
    """The loads of one run."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._numbers = itertools.count(1)
        self._disturbances = itertools.count(1)

    async def begin(self, step: Arrivals | Capacity | ComesBack) -> Callable[[], Awaitable[object]]:
        """Begin the step; return a function that ends it.

        Raises UsageError for a share of a capacity that was never measured, and if there is nothing to send again.
        """
        match step:
            case Capacity():
                return functools.partial(self._measure, step)
            case Arrivals():
                load = _OpenLoad(step, next(self._numbers), self._per_s(step), self._deliveries(step), self._rig)
                load.begin()
                return load.end
            case ComesBack():
                await asyncio.sleep(BEFORE_S)  # the step itself
                number = next(self._disturbances)
                self._rig.recorder.record("runner", DisturbanceBegan(number))
                return functools.partial(self._watch_return, step, number)

    async def _measure(self, step: Capacity) -> None:
        """Measure the service's capacity, and record it."""
        loop = asyncio.get_running_loop()
        deliveries = self._deliveries(step)
        errand = Errand(purpose=Purpose.SCENARIO)
        # This many at once find no open connection of the service yet: that is not part of its capacity.
        await at_once(self._rig.clients.send(next(deliveries), errand) for _ in range(step.clients))
        began_s = last_s = loop.time()
        acknowledged = 0

        async def client() -> None:
            nonlocal last_s, acknowledged
            while loop.time() < began_s + step.for_s:
                answer = await self._rig.clients.send(next(deliveries), errand)
                if answer.outcome not in CONFIRMED:
                    return  # the others are as many as it serves: one that is refused at once would only burn the cores
                acknowledged, last_s = acknowledged + 1, loop.time()

        await at_once(client() for _ in range(step.clients))
        per_s = acknowledged / (last_s - began_s) if acknowledged else 0.0
        self._rig.recorder.record("runner", CapacityMeasured(round(per_s, 2), acknowledged, step.clients))

    async def _watch_return(self, step: ComesBack, number: int) -> None:
        """Let the time pass in which the service has to recover, and over which its goodput is judged."""
        self._rig.recorder.record("runner", DisturbanceGone(number, step.within_s, step.to))
        await asyncio.sleep(step.within_s + JUDGED_S)  # the step itself
        self._rig.recorder.record("runner", GoodputWatched(number))

    def _per_s(self, step: Arrivals) -> float:
        if step.rate_per_s is not None:
            return step.rate_per_s
        measured = self._rig.recorder.history.last(CapacityMeasured)
        if measured is None or not measured.per_s or step.of_capacity is None:
            problem = "no capacity was measured" if measured is None else "nothing was acknowledged as it was measured"
            mend = "write `await lab.capacity(clients=8)` before it"
            raise UsageError.at(step.kind, "of_capacity", step.of_capacity, problem, mend=mend)
        return step.of_capacity * measured.per_s

    def _deliveries(self, step: Arrivals | Capacity) -> Iterator[Delivery]:
        """New deliveries, or those that the scenario has sent so far, in turn."""
        clients = self._rig.clients
        if not step.again:
            return (clients.deliveries.next(small=True) for _ in itertools.count())
        entries = scenario_requests(self._rig.recorder.history)
        names = dict.fromkeys(e.event.delivery for e in entries if isinstance(e.event, RequestSent))
        return itertools.cycle([clients.sent[name] for name in names if name in clients.sent])


class _OpenLoad:
    """Requests that arrive at an even rate until `end`."""

    def __init__(self, step: Arrivals, number: int, per_s: float, deliveries: Iterator[Delivery], rig: Rig) -> None:
        self._step = step
        self._number = number
        self._per_s = per_s
        self._deliveries = deliveries
        self._rig = rig
        self._clients: list[asyncio.Task[Answer]] = []
        self._late_s = 0.0
        self._arriving: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """The first one arrives now."""
        began = LoadBegan(self._number, round(self._per_s, 2), self._step.patience_ms, self._step.retries)
        self._rig.recorder.record("runner", began)
        self._arriving = asyncio.create_task(self._arrive())

    async def end(self) -> Sequence[Answer]:
        """Stop when the step's time is over, or now if it has no time.

        Wait until each client has an answer or gives up.
        """
        if self._arriving is None:
            return ()
        async with owned([self._arriving]):
            if self._step.for_s is not None:
                await asyncio.wait([self._arriving])
        if not self._arriving.cancelled():
            self._arriving.result()  # an error of the harness
        return await results(self._clients)

    async def _arrive(self) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            for index in itertools.count():
                after_s = index / self._per_s
                if self._step.for_s is not None and after_s >= self._step.for_s:
                    return
                await asyncio.sleep(began_s + after_s - loop.time())  # the load itself: its times are by the clock
                self._late_s = max(self._late_s, loop.time() - began_s - after_s)
                self._clients.append(asyncio.create_task(self._client(next(self._deliveries))))
        finally:
            ended = LoadEnded(self._number, len(self._clients), round(self._late_s * 1e3, 3))
            self._rig.recorder.record("runner", ended)

    async def _client(self, delivery: Delivery) -> Answer:
        """Send a delivery until it is stored, or finally rejected, or no retry is left; return the last answer.

        A client that gets "not now" tries again when its patience is over, as if it had waited.
        """
        loop = asyncio.get_running_loop()
        patience_ms = self._step.patience_ms
        errand = Errand(
            purpose=Purpose.SCENARIO, expected=self._step.expect, load=self._number, patience_ms=patience_ms
        )
        for attempt in range(1, self._step.retries + 1):
            over_s = loop.time() + patience_ms / 1e3
            answer = await self._rig.clients.send(delivery, dataclasses.replace(errand, attempt=attempt))
            if answer.outcome not in NO_WORD:
                return answer
            await asyncio.sleep(over_s - loop.time())  # the client's own pause
        return await self._rig.clients.send(delivery, dataclasses.replace(errand, attempt=self._step.retries + 1))
