"""Tries cells on one lane: reaches the state, strikes while delivering, and checks that the service recovers."""

from __future__ import annotations

import time
from contextlib import nullcontext

from harness.engine.observing.servers.tries import count_tries, record_tries
from harness.engine.phases.recovery import recover
from harness.engine.workload.clients import Answer, Errand
from harness.errors import HarnessError
from harness.history.events import HarnessProblem, MomentMissed, Named, PhaseBegan, Purpose, RunBegan
from harness.search.recording.places import CellId
from harness.search.space.actions import CROWD, is_apart
from harness.search.sweep.cells.arming import Armoury
from harness.search.sweep.cells.asking import Asking
from harness.search.sweep.cells.states import NotReadyError, States
from harness.search.sweep.cells.striking import strike
from harness.search.sweep.cells.trial import Trial
from harness.search.sweep.lane import EndedError, Lane
from harness.stack.service.start import ServiceStartError
from harness.vocabulary import ACKNOWLEDGED


class Trials:
    """Tries cells, one after the other."""

    def __init__(self, lane: Lane, armoury: Armoury, began: RunBegan) -> None:
        self._lane = lane
        self._armoury = armoury
        self._began = began
        self._states = States(lane)
        self._asking = Asking(lane)
        self._count = 0
        self.owed: list[Trial] = []
        """Trials whose rows were read: their deliveries may now be retried, and must be."""

    async def attempt(self, cell: CellId) -> Trial:
        """Try a cell. Every error is in its history."""
        self._count += 1
        trial = Trial(cell=cell, rig=self._lane.new_rig())
        trial.rig.recorder.record("runner", self._began)
        # A crowd records that for itself, and more often.
        crowded = cell.first.action == CROWD
        with nullcontext() if crowded else self._lane.cores.recorded_if_long(trial.rig.recorder):
            await self._attempt(trial)
        return trial

    async def _attempt(self, trial: Trial) -> None:
        cell, recorder = trial.cell, trial.rig.recorder
        asks = self._asking.due(trial)
        try:
            await count_tries(trial.rig)
            await self._running(trial)
            trial.delivery = await self._states.reach(cell.kind, trial.rig)
            name = f"{self._lane.number}/{self._count}"
            rules = self._armoury.rules(cell, name)
            beside = self._asking.beside(trial, rules) if asks else nullcontext()
            await strike(self._lane, trial, rules, name, beside=beside)
        except EndedError:
            pass  # that is in the history: a check tells it
        except NotReadyError as problem:
            ready = Named(f"readiness for {cell.kind}")
            recorder.record("runner", MomentMissed(ready, False, trial.rig.recovery_s, problem.message))
        except HarnessError as problem:
            recorder.record("runner", HarnessProblem(str(problem)))
        if await self._recover(trial, fresh=asks or cell.first.action == CROWD) and asks:
            # A request that meets a connection which a fault left dead gets no wrong answer.
            await self._asking.ask(trial, broken=not self._states.finds_dead)
        try:
            await record_tries(trial.rig)
        except HarnessError as problem:
            recorder.record("runner", HarnessProblem(str(problem)))

    async def _recover(self, trial: Trial, *, fresh: bool) -> bool:
        """Send deliveries until one is acknowledged; return whether one was. Start the service again if it has ended.

        `fresh`: over new connections, for any kind of cell.
        """
        trial.rig.recorder.record("runner", PhaseBegan("recovery"))
        if fresh or is_apart(trial.cell.first):
            self._states.forget()
            await self._lane.make_fresh()
        # Once only: if that delivery is refused for another reason, a new one is sent.
        owing = next((other for other in self.owed if other.may_stand_in), None)

        async def send() -> Answer | None:
            nonlocal owing
            if not await self._running(trial):
                return None
            chosen, owing = owing, None
            return await self._ask_for_life(trial, chosen)

        if await recover(trial.rig, send):
            return True
        self._states.forget()
        await self._lane.service.end()
        return False

    async def _ask_for_life(self, trial: Trial, owing: Trial | None) -> Answer:
        """Send a delivery: one that an earlier cell still has to retry, or else a new one."""
        lane, ended_before = self._lane, self._states.ended_connections
        delivery = lane.make() if owing is None or owing.delivery is None else owing.delivery
        if owing is not None:
            # The first answer is in the other cell's history; without it this one would seem never to have been given.
            trial.rig.clients.record_exchange(delivery, Errand(purpose=Purpose.WARM), owing.answers[0])
        began_ns = time.monotonic_ns()
        answer = await lane.deliver(trial.rig, delivery, Purpose.RECOVERY)
        if answer.outcome != ACKNOWLEDGED:
            return answer
        self._states.acknowledged(delivery, answer, ended_before=ended_before)
        if owing is not None:
            # One that failed would be about this cell's fault, not the other's.
            owing.rig.clients.record_exchange(delivery, Errand(purpose=Purpose.AGAIN), answer, t_ns=began_ns)
            self.owed.remove(owing)
            self._asking.known = delivery, answer
        return answer

    async def _running(self, trial: Trial) -> bool:
        """Start the service again if it has ended. Return whether it runs."""
        if self._lane.service.running:
            return True
        self._states.forget()
        try:
            await trial.rig.start()
        except ServiceStartError as problem:
            trial.rig.recorder.record("runner", HarnessProblem(str(problem)))
            return False
        return True


__all__ = ["Trials"]
