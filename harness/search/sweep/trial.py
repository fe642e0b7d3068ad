"""Tries one cell: the state, the fault, the delivery, its answer, and whether the service comes back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.engine.phases import RECOVERY_INTERVAL_S
from harness.errors import HarnessError
from harness.faults.met import message_met
from harness.history.events import (
    EvidenceSeen,
    FaultActed,
    FaultHealed,
    HarnessProblem,
    MomentMissed,
    Named,
    NotRecovered,
    PhaseBegan,
    Purpose,
    Recovered,
    RunBegan,
    ServiceStarted,
)
from harness.polling import poll_async
from harness.relay import Match, Rule, Seen
from harness.search.recording.places import CellId
from harness.search.space.actions import is_apart
from harness.search.sweep.arming import Armoury
from harness.search.sweep.cell_history import CellHistory
from harness.search.sweep.copies import two_at_once
from harness.search.sweep.http import Reply
from harness.search.sweep.lane import Lane
from harness.search.sweep.states import NotReadyError, States
from harness.stack.service import ServiceStartError
from harness.target import Delivery
from harness.vocabulary import ACKNOWLEDGED, ANY_OUTCOME, REFUSED, UNKNOWN

READ_EXPECTED = ACKNOWLEDGED | UNKNOWN
"""A read that says that there is nothing is wrong, whatever is broken."""
MISSES_TOLD = 3


@dataclass(slots=True, kw_only=True)
class Trial:
    """What became of one cell, before its rows are read. `struck`: how many of its faults did.

    `came_again`: of a pair, messages that came after the first fault had struck, and that the second
    should have met, but for its count or phase.
    """

    cell: CellId
    history: CellHistory
    replies: Sequence[Reply] = ()
    struck: int = 0
    evidence: list[str] = field(default_factory=list)
    came_again: Sequence[str] = ()
    delivery: Delivery | None = None


class Trials:
    """Tries cells on one lane, one after the other."""

    def __init__(self, lane: Lane, armoury: Armoury, began: RunBegan) -> None:
        self._lane = lane
        self._armoury = armoury
        self._began = began
        self._states = States(lane)
        self._count = 0
        self.owed: list[Trial] = []
        """Trials whose rows were read: what they delivered may, and has to, be sent again."""

    async def attempt(self, cell: CellId) -> Trial:
        """Try a cell. Whatever goes wrong is in its history."""
        self._count += 1
        trial = Trial(cell=cell, history=CellHistory())
        self._lane.history = trial.history
        trial.history.record("runner", self._began)
        try:
            await self._running(trial.history)
            trial.delivery = await self._states.reach(cell.kind, trial.history)
            await self._strike(trial, f"{self._lane.number}/{self._count}")
        except NotReadyError as problem:
            within_s = self._lane.bed.target.description.limits.recovery_s
            ready = Named(f"readiness for {cell.kind}")
            trial.history.record("runner", MomentMissed(ready, False, within_s, problem.message))
        except HarnessError as problem:
            trial.history.record("runner", HarnessProblem(str(problem)))
        await self._recover(trial)
        return trial

    async def _strike(self, trial: Trial, name: str) -> None:
        history, rules = trial.history, self._armoury.rules(trial.cell, name)
        history.record("runner", PhaseBegan("scenario"))
        for number, rule in enumerate(rules, 1):
            await self._lane.relay.arm(rule)
            history.record("runner", FaultActed(number, Named(str(_point(trial.cell, number)))))
        missed: dict[str, Sequence[str]] = {}
        retry = rules[-1] if trial.cell.second is not None else None
        try:
            if retry is not None:
                await self._lane.relay.record(retry.hop, True)
            trial.replies = await self._deliver(trial, name)
            for rule in rules:
                if rule.id not in self._lane.fired:  # or its report is on its way: this answer comes after that
                    missed[rule.id] = await self._lane.relay.near_misses(rule.id)
            if retry is not None:
                trial.came_again = await self._came_again(rules[0], retry)
                missed[retry.id] = [*trial.came_again, *missed.get(retry.id, ())]
        finally:
            for rule in rules:
                await self._lane.relay.disarm(rule.id)
            if retry is not None:
                await self._lane.relay.record(retry.hop, False)
        for number, rule in enumerate(rules, 1):
            self._tell(trial, number, rule, missed.get(rule.id, ()))

    async def _came_again(self, first: Rule, second: Rule) -> Sequence[str]:
        """What came once the first rule had fired, and is what the second waits for, but for its count or phase."""
        fired = self._lane.fired
        if first.id not in fired or second.id in fired:
            return ()
        recorded = await self._lane.relay.recording(second.hop)
        return [
            f"after the first fault, {seen.direction} {seen.message} {seen.text!r} in phase {seen.phase}"
            for seen in recorded
            if seen.t_ns > fired[first.id].t_ns and is_meant(second.match, seen)
        ]

    async def _deliver(self, trial: Trial, name: str) -> Sequence[Reply]:
        delivery, history = trial.delivery, trial.history
        if delivery is None:
            raise HarnessError("there is nothing to deliver")
        if trial.cell.kind == "read":
            return [await self._lane.read(delivery, Purpose.SCENARIO, history, expected=READ_EXPECTED)]
        if trial.cell.kind == "copies":
            return await two_at_once(self._lane, delivery, history, name, expected=ANY_OUTCOME)
        return [await self._lane.deliver(delivery, Purpose.SCENARIO, history, expected=ANY_OUTCOME)]

    def _tell(self, trial: Trial, number: int, rule: Rule, missed: Sequence[str]) -> None:
        fired = self._lane.fired.pop(rule.id, None)
        if fired is not None:
            trial.struck += 1
            met = message_met(rule.hop, rule, fired)
            trial.evidence.append(met.told)
            trial.history.record("relay", EvidenceSeen(number, f"wire_{rule.action.kind}", "relay", met.told, met))
            trial.history.record("runner", FaultHealed(number))
            return
        instead = "; ".join(missed[:MISSES_TOLD]) or "nothing"
        trial.evidence.append(f"did not strike; seen instead: {instead}")
        trial.history.record("runner", FaultHealed(number, instead))

    async def _recover(self, trial: Trial) -> None:
        """Send deliveries until one is acknowledged; start the service again where it is gone."""
        history, lane = trial.history, self._lane
        within_s = lane.bed.target.description.limits.recovery_s
        history.record("runner", PhaseBegan("recovery"))
        began, last = time.monotonic(), ""
        if is_apart(trial.cell.first):
            self._states.forget()
            await lane.make_fresh()

        async def alive() -> bool:
            nonlocal last
            if not await self._running(history):
                return False
            # Once: where that one is not acknowledged for a reason of its own, a new one is.
            owing = None if last else next((other for other in self.owed if may_stand_in(other)), None)
            reply = await self._ask_for_life(history, owing)
            last = str(reply)
            return reply.outcome == ACKNOWLEDGED

        if await poll_async(alive, within_s=within_s, interval_s=RECOVERY_INTERVAL_S):
            history.record("runner", Recovered(round((time.monotonic() - began) * 1e3, 1)))
            return
        history.record("runner", NotRecovered(within_s, last))
        self._states.forget()
        await lane.service.end()

    async def _ask_for_life(self, history: CellHistory, owing: Trial | None) -> Reply:
        """Send a delivery: what an earlier cell has to send again, if there is such a cell, else a new one."""
        lane, ends = self._lane, self._lane.ends
        delivery = lane.make() if owing is None or owing.delivery is None else owing.delivery
        if owing is not None:
            # The first answer is in the other cell's history; without it this one would seem never to have been given.
            history.ended(history.sent(delivery, Purpose.WARM), owing.replies[0])
        began_ns = time.monotonic_ns()
        reply = await lane.deliver(delivery, Purpose.RECOVERY, history)
        if reply.outcome != ACKNOWLEDGED:
            return reply
        self._states.acknowledged(delivery, reply, ends_before=ends)
        if owing is not None:
            # One that failed would tell of this cell's fault, not of the other's.
            owing.history.retold(delivery, Purpose.AGAIN, reply, began_ns=began_ns)
            self.owed.remove(owing)
        return reply

    async def _running(self, history: CellHistory) -> bool:
        """Start the service again where it is gone; whether it runs."""
        if self._lane.service.running:
            return True
        self._states.forget()
        try:
            took_ms = await self._lane.service.start()
        except ServiceStartError as problem:
            history.record("runner", HarnessProblem(str(problem)))
            return False
        service = self._lane.service
        history.record("service", ServiceStarted(service.process.pid, service.port, round(took_ms, 1)))
        return True


def owes_delivery(trial: Trial) -> bool:
    """Whether what it delivered is to be sent again, once its rows were read."""
    return trial.delivery is not None and trial.cell.kind != "read" and not refused_only(trial)


def may_stand_in(trial: Trial) -> bool:
    """Whether sending it again also shows that the service lives: it was acknowledged, and its bytes are its own."""
    acknowledged = all(reply.outcome == ACKNOWLEDGED for reply in trial.replies)
    return owes_delivery(trial) and acknowledged and not is_apart(trial.cell.first)


def refused_only(trial: Trial) -> bool:
    """Whether every request of the cell's own was refused: sending it again would store it."""
    return all(reply.outcome == REFUSED for reply in trial.replies)


def _point(cell: CellId, number: int) -> object:
    return cell.first if number == 1 or cell.second is None else cell.second


def is_meant(match: Match, seen: Seen) -> bool:
    """Whether a message is one of those that a rule is about, whatever its number and phase."""
    same = (match.direction, match.message) == (seen.direction, seen.message)
    return same and seen.text.lstrip().lower().startswith(match.text.lstrip().lower())


__all__ = ["Trial", "Trials", "is_meant", "owes_delivery"]
