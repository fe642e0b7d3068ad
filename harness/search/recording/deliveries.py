"""Records the messages of each kind of delivery on one lane, with nothing broken."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from harness.engine.observing.servers.effects import effect_rows
from harness.engine.observing.servers.stored import rows_at_rest
from harness.engine.observing.servers.tries import count_tries
from harness.engine.phases.rest import wait_until_idle
from harness.engine.workload.clients import Answer
from harness.errors import HarnessError
from harness.history.events import Purpose
from harness.protocols.contract.speech import fingerprint
from harness.search.recording.places import KINDS, Kind
from harness.search.recording.recording import LinkSeen, Recording, Shapes, recording, unnamed_in
from harness.search.sweep.cells.copies import two_at_once
from harness.search.sweep.cells.states import States
from harness.search.sweep.lane import Lane
from harness.vocabulary import ACKNOWLEDGED, CONFIRMED

DELIVERIES = 3
"""How often each kind is recorded. A message that is missing in one recording is not a point of the space."""

CONNECTING = ("startup", "authentication")
OVERLAP_WITHIN_S = 5.0
"""With nothing broken, only a busy machine delays the overlap of two copies."""
NO_COMMIT = "copies: the service sends no COMMIT in which one could be held until the other waits for it"


@dataclass(frozen=True, slots=True)
class _Delivered:
    """One delivery's messages on each link. `apart`: why its two copies did not overlap."""

    links: Sequence[LinkSeen]
    apart: str


def kinds_of(lane: Lane) -> Sequence[Kind]:
    """Every kind of delivery that the target supports."""
    readable = bool(lane.bed.target.description.reads)
    return [kind for kind in KINDS if kind != "read" or readable]


class NotAcknowledgedError(HarnessError):
    """The service did not acknowledge a delivery, or gave a repeat a wrong answer, though nothing is broken."""


async def record_all(
    lane: Lane, kinds: Sequence[Kind], *, may_be_left_out: Collection[Kind] = ()
) -> Sequence[Recording]:
    """Record these kinds. If one may be left out and is not acknowledged, the result has the reason and no messages.

    Raises HarnessError if the service does not acknowledge, or two copies do not overlap, although there is no fault;
    EndedError if the service has ended.
    """
    states = States(lane)
    found: list[Recording] = []
    for kind in kinds:
        try:
            # The first prepares statements that the next ones find prepared: it is not counted.
            deliveries = [await _one(lane, states, kind, number) for number in range(1 + DELIVERIES)][1:]
        except NotAcknowledgedError as problem:
            if kind not in may_be_left_out:
                raise
            found.append(Recording(kind, (), left_out=problem.message))
            continue
        whole = recording(kind, [each.links for each in deliveries], fingerprint)
        found.append(_of_copies(whole, [each.apart for each in deliveries]) if kind == "copies" else whole)
    return found


def _of_copies(whole: Recording, apart: Sequence[str]) -> Recording:
    """Copies that do not overlap are a delivery and a repeat, which are other kinds."""
    if not any(apart):
        return _without_connecting(whole)
    if any(message.place.phase == "commit" for message in whole.messages):
        problem = f"two copies of a delivery did not overlap, though nothing is broken: {next(filter(None, apart))}"
        raise HarnessError(problem, hint="sweep on a calmer machine, or leave out this kind with --kind")
    return dataclasses.replace(whole, messages=(), left_out=NO_COMMIT)


def _without_connecting(whole: Recording) -> Recording:
    """Leave out how the copies' connections are made: a fresh delivery makes them in the same way."""
    kept = [message for message in whole.messages if message.place.phase not in CONNECTING]
    return dataclasses.replace(whole, messages=tuple(kept))


async def _one(lane: Lane, states: States, kind: Kind, number: int) -> _Delivered:
    rig = lane.new_rig()
    delivery = await states.reach(kind, rig)
    await count_tries(rig)  # so that the relay knows which statements name a delivery
    for hop in lane.site.hops.values():
        await lane.relay.record(hop, True)
    answers: Sequence[Answer]
    apart = ""
    if kind == "copies":
        name = f"{lane.number}/record-{number}"
        copies = await two_at_once(lane, rig, delivery, name, expected=ACKNOWLEDGED, within_s=OVERLAP_WITHIN_S)
        answers, apart = copies.answers, copies.apart
    else:
        answers = [await lane.deliver(rig, delivery, Purpose.SCENARIO, reads=kind == "read")]
    described = lane.bed.target.description
    if described.later_ms:  # what a worker does with it comes after its acknowledgement
        stored = {row.id for row in await rows_at_rest(rig)}
        for effect in described.effects.values():
            await effect_rows(rig, effect, stored)
    await wait_until_idle(rig)
    for hop in lane.site.hops.values():
        await lane.relay.record(hop, False)
    # A repeat, and the second of two copies, may be answered "already".
    right = CONFIRMED if kind in ("repeat", "copies") else ACKNOWLEDGED
    bad = [answer for answer in answers if answer.outcome not in right]
    if bad:
        await lane.check_alive()
        raise NotAcknowledgedError(f"a {kind} delivery was not acknowledged, though nothing is broken: {bad[0]}")
    return _Delivered(await _recorded(lane), apart)


async def record_change(lane: Lane, name: str) -> Recording:
    """Record what one of the target's changes sends, about a delivery that was stored before. It counts as a repeat.

    If it is not acknowledged, the recording has no messages, and its reason. Raises EndedError if the service ended.
    """
    try:
        found = [await _one_change(lane, name) for _ in range(1 + DELIVERIES)][1:]
    except NotAcknowledgedError as problem:
        return Recording("repeat", (), left_out=problem.message)
    return recording("repeat", found, fingerprint)


async def _one_change(lane: Lane, name: str) -> Sequence[LinkSeen]:
    rig = lane.new_rig()
    delivery = lane.make()
    answers = [await lane.deliver(rig, delivery, Purpose.WARM)]
    described = lane.bed.target.description
    if name in described.versioned and described.reads:  # it may show the version that the change has to name
        answers.append(await lane.deliver(rig, delivery, Purpose.WARM, reads=True))
    await count_tries(rig)
    async with _recording(lane):
        answers.append(await lane.contract.recording(rig).ask(name, delivery, broken=False, expect=ACKNOWLEDGED))
        await wait_until_idle(rig)
    bad = [answer for answer in answers if answer.outcome != ACKNOWLEDGED]
    if bad:
        await lane.check_alive()
        raise NotAcknowledgedError(f"{name} was not acknowledged, though nothing is broken: {bad[0]}")
    return await _recorded(lane)


@asynccontextmanager
async def _recording(lane: Lane) -> AsyncIterator[None]:
    for hop in lane.site.hops.values():
        await lane.relay.record(hop, True)
    yield
    for hop in lane.site.hops.values():
        await lane.relay.record(hop, False)


async def record_rest(lane: Lane, for_s: float) -> Shapes:
    """Return what the service sends without a delivery in this time, by link and fingerprint."""
    rig = lane.new_rig()
    await wait_until_idle(rig)
    async with _recording(lane):
        await asyncio.sleep(for_s)  # no event reports what a worker does by itself
    return unnamed_in(await _recorded(lane), fingerprint)


async def _recorded(lane: Lane) -> Sequence[LinkSeen]:
    described = lane.bed.target.description.links
    return [
        LinkSeen(name, described[name].protocol, await lane.relay.recording(laid.hop))
        for name, laid in lane.site.links.items()
    ]


__all__ = ["DELIVERIES", "kinds_of", "record_all", "record_change", "record_rest"]
