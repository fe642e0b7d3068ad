"""Samples the service's health answers while a scenario runs, where that cannot disturb it.

A question may make the service use its links. The question could then meet a rule of the relay that waits for a
delivery's message, use up a connection that a fault has left dead, or count as a fault's evidence. So a question that
uses links is asked only just before the heal of a fault that takes a whole link away, when the scenario's own
deliveries have met the fault and none is open. A question that uses no link is asked during the whole run. In steady
state and after recovery, while no fault is in force, `ready` is asked until it says yes and names no server as away, if
the target limits the time for that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from harness.checks.facts.exchanges import exchanges
from harness.checks.standing.self_reports.health import ALIVE, READY
from harness.engine.rig import Rig
from harness.engine.tasks import at_once
from harness.engine.workload.clients import Answer, Errand
from harness.engine.workload.deliveries import of_one_size
from harness.engine.workload.outgoing import health_paths, told_away
from harness.faults.fault import Fault, Injection
from harness.faults.links.away import links_away, strikes_all_alike
from harness.history.events import Asks, FaultActed, Purpose
from harness.polling import poll_async
from harness.vocabulary import CONFIRMED, Value

EVERY_S = 0.5
FINE_S = 5.0
"""After this many seconds samples become less frequent, in proportion."""
ANSWERED_WITHIN_S = 1.0
ENDS_WITHIN_S = ANSWERED_WITHIN_S + 1.0
READY_EVERY_S = 0.05
TRIES = 3
"""How often the service is asked whether it is alive, to see that this uses no link; other work may use one."""


class HealthSampling:
    """An async context manager; `finish` ends it earlier. It samples nothing before it is entered."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        # A question about health is about no delivery, but each request of the clients' has one.
        self._about = of_one_size(f"{rig.clients.deliveries.seed}/health").next()
        self._asked_throughout: Sequence[str] = ()
        self._task: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._on = False

    async def __aenter__(self) -> Self:
        self._on = True
        if await self._uses_no_link(ALIVE):
            self._asked_throughout = (ALIVE,)
            self._task = asyncio.create_task(self._again_and_again())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.finish()

    async def finish(self) -> None:
        """Stop. Raises what broke the sampling. Idempotent."""
        self._on = False
        task, self._task = self._task, None
        if task is None:
            return
        # A question under way gets its answer: broken off by the harness it would look like one that was never given.
        self._over.set()
        done, _ = await asyncio.wait([task], timeout=ENDS_WITHIN_S)
        if not done:
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    async def until_ready(self) -> None:
        """Ask whether it is ready, while no fault is in force, until it says yes, or is long overdue.

        A question may meet a connection that an earlier fault has left dead, so the answer must also name no server as
        away.
        """
        limit_ms = self._rig.target.description.health.ready_again_ms
        if limit_ms is None or READY not in health_paths(self._rig.target) or not self._rig.site.service.running:
            return

        async def ready() -> bool:
            answer = await self._ask(READY)
            return answer.outcome in CONFIRMED and not told_away(self._rig.target, READY, answer.body)

        await poll_async(ready, within_s=limit_ms / 1e3 + ANSWERED_WITHIN_S, interval_s=READY_EVERY_S)

    async def before_heal(self, in_force: Sequence[tuple[Value, Injection]]) -> None:
        """Take the samples that are possible under these faults, before any of them is healed."""
        site = self._rig.site
        if not (self._on and site.service.running and site.asking.allowed):
            return
        disturbs_nothing = await self._disturbs_nothing(in_force)
        names = tuple(health_paths(self._rig.target)) if disturbs_nothing else self._asked_throughout
        await at_once(self._ask(name) for name in names)

    async def _disturbs_nothing(self, in_force: Sequence[tuple[Value, Injection]]) -> bool:
        known = [(fault, injection) for fault, injection in in_force if isinstance(fault, Fault)]
        faults = [fault for fault, _ in known]
        if len(known) < len(in_force) or self._rig.site.relay.armed:
            return False
        if not (links_away(faults) and strikes_all_alike(faults) and self._delivered_under_them()):
            return False
        met = [await injection.fired() for fault, injection in known if fault.leaves_evidence]
        return all(met)

    def _delivered_under_them(self) -> bool:
        """Whether the scenario has sent deliveries since the last fault acted, and no request is open."""
        history = self._rig.recorder.history
        since_ns = max((entry.t_ns for entry in history.entries_of(FaultActed)), default=0)
        sent = exchanges(history)
        under_them = any(e.judged and e.sent.delivers and e.span[0] >= since_ns for e in sent)
        return under_them and all(e.ended is not None or e.sent.purpose == Purpose.SAMPLE for e in sent)

    async def _again_and_again(self) -> None:
        began_s = time.monotonic()
        while not await self._over_within(EVERY_S * max(1.0, (time.monotonic() - began_s) / FINE_S)):
            async with self._rig.site.asking.question() as allowed:
                if allowed and self._rig.site.service.running:
                    await at_once(self._ask(name) for name in self._asked_throughout)

    async def _over_within(self, pause_s: float) -> bool:
        try:
            await asyncio.wait_for(self._over.wait(), pause_s)
        except TimeoutError:
            return False
        return True

    async def _ask(self, name: str) -> Answer:
        errand = Errand(purpose=Purpose.SAMPLE, asks=Asks.HEALTH, name=name, within_s=ANSWERED_WITHIN_S)
        return await self._rig.clients.send(self._about, errand)

    async def _uses_no_link(self, name: str) -> bool:
        """Ask while nothing else happens, and see whether a byte moves on a link."""
        for _ in range(TRIES):
            before = await self._moved()
            await self._ask(name)
            if await self._moved() == before:
                return True
        return False

    async def _moved(self) -> Mapping[str, Mapping[int, tuple[int, int]]]:
        site = self._rig.site
        return {hop: await site.relay.traffic(hop) for hop in site.hops.values()}


__all__ = ["HealthSampling"]
