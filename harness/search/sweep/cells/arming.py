"""Turns a cell into rules of the relay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import HarnessError
from harness.faults.messages.relayed import rule_for
from harness.relay import Action, Cut, Delay, Fail, Rule
from harness.search.recording.places import CellId, Kind, Point
from harness.search.recording.recording import Observed, Recording
from harness.search.space.actions import ACTIONS, CROWD, ERRORS, FAULTS, ON_DEMAND
from harness.search.sweep.cells.crowd import CROWD_DELAY_MS
from harness.search.sweep.plan import RETRY
from harness.vocabulary import Link


@dataclass(frozen=True, slots=True)
class Armoury:
    """Makes the rules of a cell for one lane. `hops`: the lane's hop of each link."""

    recordings: Mapping[Kind, Recording]
    hops: Mapping[str, str]

    def rules(self, cell: CellId, name: str) -> Sequence[Rule]:
        """Return the cell's rules, in the order in which to arm them; their ids begin with `name`."""
        first = self._rule(cell.kind, cell.first, f"{name}/1", after=None)
        if cell.second is None:
            return [first]
        return [first, self._rule(RETRY, cell.second, f"{name}/2", after=first.id)]

    def _rule(self, kind: Kind, point: Point, rule_id: str, *, after: str | None) -> Rule:
        message = self.recordings[kind].at(point.place) if kind in self.recordings else None
        if message is None:
            raise HarnessError(f"{kind}/{point} is not in the recording", hint="record again")
        place = point.place
        often = point.action in (*ON_DEMAND, CROWD)  # in every try of the request, or in every request
        link = Link.from_shorthand(f"{place.protocol}:{message.link}", place=str(point))
        passes = link.sent if place.direction == "sent" else link.answered
        nth = None if often else message.nth
        at = passes(message.text, message=place.message, phase=place.phase, nth=nth)
        return rule_for(
            self.hops[message.link], at, action_of(point, message), always=often, rule_id=rule_id, after=after
        )


def action_of(point: Point, message: Observed) -> Action:
    """Return the relay's action. Raises HarnessError for an unknown action."""
    passed = point.bytes_passed
    if passed is not None:
        return Cut(passed)
    if point.action == CROWD:
        return Delay(CROWD_DELAY_MS)
    error = ERRORS.get(point.action)
    if error is not None:
        return Fail(error.code, error.text, error.fatal)
    for fault in FAULTS:
        known = {**fault.swept, **fault.swept_on_demand}
        if point.action in known:
            return known[point.action](message.length)
    raise HarnessError(f"{point.action!r} is no action", hint=f"write one of {', '.join(ACTIONS)}")


__all__ = ["Armoury", "action_of"]
