"""Strikes with the faults of one cell: arms the relay, delivers, and collects the evidence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from harness.engine.phases.rest import held_now, record_given_back
from harness.errors import HarnessError
from harness.faults.messages.hanging_up import HangingUp
from harness.faults.messages.matched import message_met
from harness.faults.messages.relayed import MISSES_SHOWN
from harness.history.events import EvidenceSeen, FaultActed, FaultHealed, MomentMissed, Named, PhaseBegan, Purpose
from harness.relay import Late, Match, Rule, Seen, folded
from harness.search.recording.places import CellId, Point
from harness.search.space.actions import CROWD, HANGING_UP
from harness.search.sweep.cells.copies import MET_WITHIN_S, OVERLAPPED, Copies, two_at_once
from harness.search.sweep.cells.crowd import SIZE, many_at_once
from harness.search.sweep.cells.trial import Trial
from harness.search.sweep.lane import Lane
from harness.vocabulary import ACKNOWLEDGED, ANY_OUTCOME, NO_WORD

MET_NEXT = "the next delivery's message met the answer that was late"
NOT_MET = "the next delivery did not use the connection whose answer was late"
READ_EXPECTED = ACKNOWLEDGED | NO_WORD
"""A read that says "not stored" is wrong under any fault."""


async def strike(
    lane: Lane, trial: Trial, rules: Sequence[Rule], name: str, *, beside: AbstractAsyncContextManager[None]
) -> None:
    """Deliver with these rules armed, and record which fired. `name`: prefix of the rules' ids.

    `beside`: entered while the rules are armed, and left when the answer has come.
    """
    recorder = trial.rig.recorder
    recorder.record("runner", PhaseBegan("scenario"))
    second = rules[1] if trial.cell.second is not None else None
    missed: dict[str, Sequence[str]] = {}
    async with AsyncExitStack() as owned:
        for number, rule in enumerate(rules, 1):
            await owned.enter_async_context(_in_force(lane, trial, rule, _point(trial.cell, number)))
            recorder.record("runner", FaultActed(number, Named(str(_point(trial.cell, number)))))
        if second is not None:
            await owned.enter_async_context(_recorded(lane, second.hop))
        async with beside:
            copies = await _deliver(lane, trial, name)
        if copies is None and isinstance(rules[0].action, Late):
            await _meet_late(lane, trial, rules[0])
        for rule in rules:
            if rule.id not in lane.reports.fired:  # or its report is on its way: this answer comes after that
                missed[rule.id] = await lane.relay.near_misses(rule.id)
        if second is not None:
            trial.came_again = await _came_again(lane, rules[0], second)
            missed[second.id] = [*trial.came_again, *missed.get(second.id, ())]
    if copies is not None:
        _record_overlap(lane, trial, copies, rules)
    for number, rule in enumerate(rules, 1):
        _record_strike(lane, trial, number, rule, missed.get(rule.id, ()))


def _in_force(lane: Lane, trial: Trial, rule: Rule, point: Point) -> AbstractAsyncContextManager[None]:
    return _hanging_up(lane, trial, rule, point) if point.action in HANGING_UP else _armed(lane, rule)


@asynccontextmanager
async def _hanging_up(lane: Lane, trial: Trial, rule: Rule, point: Point) -> AsyncIterator[None]:
    """Make the client hang up at the rule's message, and check that the service releases what it held."""
    before = await held_now(trial.rig)
    hanging = HangingUp(lane.site, rule, Named(str(point)), lambda gone: trial.evidence.append(gone.told))
    await hanging.begin()
    try:
        yield
    finally:
        await hanging.end()
    trial.hung_up = hanging.count
    await record_given_back(trial.rig, before)


@asynccontextmanager
async def _armed(lane: Lane, rule: Rule) -> AsyncIterator[None]:
    await lane.relay.arm(rule)
    try:
        yield
    finally:
        await lane.relay.disarm(rule.id)


@asynccontextmanager
async def _recorded(lane: Lane, hop: str) -> AsyncIterator[None]:
    await lane.relay.record(hop, True)
    try:
        yield
    finally:
        await lane.relay.record(hop, False)


def _point(cell: CellId, number: int) -> Point:
    return cell.first if number == 1 or cell.second is None else cell.second


async def _deliver(lane: Lane, trial: Trial, name: str) -> Copies | None:
    """Deliver, and keep the answers; return how two copies overlapped, if there were two."""
    if trial.delivery is None:
        raise HarnessError("there is nothing to deliver")
    if trial.cell.kind == "copies":
        copies = await two_at_once(lane, trial.rig, trial.delivery, name, expected=ANY_OUTCOME)
        trial.answers = copies.answers
        return copies
    if trial.cell.first.action == CROWD:
        (_, answer), *trial.more = await many_at_once(lane, trial.rig, trial.delivery)
        trial.answers = [answer]
        slowest_ms = max(each.took_ms for each in (answer, *(other for _, other in trial.more)))
        trial.evidence.append(f"{SIZE} at once, the slowest answer after {slowest_ms:.0f} ms")
        return None
    reads = trial.cell.kind == "read"
    expected = READ_EXPECTED if reads else ANY_OUTCOME
    trial.answers = [await lane.deliver(trial.rig, trial.delivery, Purpose.SCENARIO, expected=expected, reads=reads)]
    return None


async def _meet_late(lane: Lane, trial: Trial, rule: Rule) -> None:
    """Deliver once more while the answer is held back.

    A service that reuses the connection mistakes it for its own answer.

    The answer is released by the next message on its connection, or when the rule is disarmed.
    """
    await lane.relay.sync()
    if rule.id not in lane.reports.fired or rule.id in lane.reports.passed:
        return
    delivery = lane.make()
    answer = await lane.deliver(trial.rig, delivery, Purpose.SCENARIO, expected=ANY_OUTCOME)
    trial.more = [(delivery, answer)]
    await lane.relay.sync()
    met = MET_NEXT if rule.id in lane.reports.passed else NOT_MET
    trial.evidence.append(f"{met}: {answer}")


def _record_overlap(lane: Lane, trial: Trial, copies: Copies, rules: Sequence[Rule]) -> None:
    """Record whether two copies overlapped. A fault that struck before may keep them apart; nothing else may."""
    struck_ns = [lane.reports.fired[rule.id].t_ns for rule in rules if rule.id in lane.reports.fired]
    if not copies.apart:
        trial.evidence.append(OVERLAPPED)
    elif struck_ns and min(struck_ns) <= copies.known_ns:
        trial.evidence.append(f"the fault struck before the copies could overlap: {copies.apart}")
    else:
        trial.apart = copies.apart
        overlap = Named("two copies that overlap")
        trial.rig.recorder.record("runner", MomentMissed(overlap, False, MET_WITHIN_S, copies.apart))


async def _came_again(lane: Lane, first: Rule, second: Rule) -> Sequence[str]:
    """Return messages after the first rule fired that match the second, apart from its count and phase."""
    fired = lane.reports.fired
    if first.id not in fired or second.id in fired:
        return ()
    recorded = await lane.relay.recording(second.hop)
    return [
        f"after the first fault, {seen.direction} {seen.message} {seen.text!r} in phase {seen.phase}"
        for seen in recorded
        if seen.t_ns > fired[first.id].t_ns and is_meant(second.match, seen)
    ]


def _record_strike(lane: Lane, trial: Trial, number: int, rule: Rule, missed: Sequence[str]) -> None:
    fired = lane.reports.fired.pop(rule.id, None)
    recorder = trial.rig.recorder
    if fired is not None and (trial.hung_up or _point(trial.cell, number).action not in HANGING_UP):
        trial.struck += 1
        met = message_met(rule.hop, rule, fired)
        trial.evidence.append(met.told)
        recorder.record("relay", EvidenceSeen(number, f"wire_{rule.action.kind}", "relay", met.told, met))
        recorder.record("runner", FaultHealed(number))
        return
    instead = "; ".join(missed[:MISSES_SHOWN]) or "nothing"
    trial.evidence.append(f"did not strike; seen instead: {instead}")
    recorder.record("runner", FaultHealed(number, instead))


def is_meant(match: Match, seen: Seen) -> bool:
    """Return whether a rule is about this message, apart from its number and phase."""
    same = (match.direction, match.message) == (seen.direction, seen.message)
    return same and folded(seen.text).startswith(folded(match.text))


__all__ = ["is_meant", "strike"]
