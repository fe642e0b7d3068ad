"""Sends the requests of the contract beside the cells of a lane: few, so that the sweep stays fast."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from harness.engine.tasks import owned
from harness.engine.workload.clients import Answer, Errand
from harness.history.events import Purpose
from harness.polling import poll_async
from harness.relay import Rule
from harness.search.space.actions import WAITING, is_apart
from harness.search.sweep.cells.trial import Trial
from harness.search.sweep.lane import Lane
from harness.target import Delivery

EVERY, FIRST = 24, 8
"""The contract is sent after the eighth cell of a lane, and then after each twenty-fourth."""
LOOK_EVERY_S = 0.005


@dataclass(slots=True)
class Asking:
    """Sends in turn: wrong requests, reads, unusual deliveries, another body under a taken id, health.

    `known`: a delivery that was acknowledged, and read from the database, before this batch, with its answer.
    """

    lane: Lane
    known: tuple[Delivery, Answer] | None = None
    _turn: int = 0

    def due(self, trial: Trial) -> bool:
        """Count a cell, and return whether to send the contract in it; never in a cell with garbled bytes."""
        self._turn += 1
        return self._turn % EVERY == FIRST % EVERY and not is_apart(trial.cell.first)

    @asynccontextmanager
    async def beside(self, trial: Trial, rules: Sequence[Rule]) -> AsyncIterator[None]:
        """Send the contract as soon as the cell's fault has struck, if the delivery then waits.

        Later requests cannot meet the rule, which acts once.
        """
        action = trial.cell.first.action
        if action not in WAITING or len(rules) > 1 or rules[0].always or trial.cell.kind == "copies":
            yield
            return
        asked = asyncio.create_task(self._once_struck(trial, rules[0]))
        async with owned([asked]):
            yield
            if rules[0].id in self.lane.reports.fired:
                await asked

    async def _once_struck(self, trial: Trial, rule: Rule) -> None:
        async def struck() -> bool:
            return rule.id in self.lane.reports.fired

        if await poll_async(struck, within_s=trial.rig.recovery_s, interval_s=LOOK_EVERY_S):
            await self.ask(trial, broken=True)

    async def ask(self, trial: Trial, *, broken: bool) -> None:
        """Send the contract, in the cell's history. `broken`: the service may answer "not now"."""
        known: list[Delivery] = []
        # A repeat of the cell's own delivery would store it again, and hide that it was lost.
        if self.known is not None and self.known[0] != trial.delivery:
            delivery, answer = self.known
            known.append(delivery)
            # Its first answer is in another cell's history; what it has confirmed must be stored.
            trial.rig.clients.record_exchange(delivery, Errand(purpose=Purpose.WARM), answer)
        await self.lane.contract.recording(trial.rig).ask_about(known, broken=broken)


__all__ = ["Asking"]
