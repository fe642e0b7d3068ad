"""Explains why a gate hits less of the fault space than is committed: statements that are gone, and new ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import closest
from harness.history.events import MessageMet
from harness.protocols.contract.speech import fingerprint
from harness.results import RunResult
from harness.results.text import counted
from harness.search.recording.places import Place
from harness.search.space.coverage import FAULT_OF, Coverage

NAMED_MAX = 3
"""How many scenarios, places and statements are named. The rest are only counted."""


@dataclass(frozen=True, slots=True)
class NewStatement:
    """A statement that a fault met and that the fault space does not contain.

    `like`: the most similar statement that was not hit, or "". `points`: how many points that one has.
    """

    text: str
    like: str
    points: int
    scenarios: Sequence[str]

    def __str__(self) -> str:
        """Describe it in a sentence."""
        count = counted(self.points, "point")
        instead = f", where the fault space has {self.like!r}: {count} not hit" if self.like else ""
        return f"the service now sends {self.text!r}{instead} (met in {_some(self.scenarios)})"


@dataclass(frozen=True, slots=True)
class Lost:
    """`points`: how many points were not hit, by place. `new`: statements that are missing in the fault space."""

    points: Mapping[Place, int]
    new: Sequence[NewStatement]

    def sentences(self) -> Iterator[str]:
        """Describe the new statements; if there are none, the places that were not hit."""
        yield from (str(each) for each in self.new[:NAMED_MAX])
        if len(self.new) > NAMED_MAX:
            yield f"and {counted(len(self.new) - NAMED_MAX, 'other statement')} that the fault space does not have"
        places = [] if self.new else sorted(self.points)
        for place in places[:NAMED_MAX]:
            yield f"not hit: {counted(self.points[place], 'point')} at {place}"
        if len(places) > NAMED_MAX:
            rest = sum(self.points[place] for place in places[NAMED_MAX:])
            others = counted(len(places) - NAMED_MAX, "other place")
            yield f"not hit: {counted(rest, 'point')} at {others}: `harness coverage` lists them"


def lost_of(coverage: Coverage, runs: Collection[RunResult], links: Mapping[str, str]) -> Lost:
    """Return what was not hit, and the statements missing in the fault space.

    `links`: each link's protocol, by name.
    """
    points = Counter(point.place for point in coverage.untried)
    known = {point.place.text for point in coverage.space.points}
    missed = sorted({place.text for place in points if place.text})
    met: dict[str, list[str]] = {}
    for run in runs:
        for evidence in run.evidence:
            text = _statement(evidence.kind, evidence.at, links)
            if text and text not in known:
                met.setdefault(text, []).append(run.key.id)
    new = [_new(text, missed, list(dict.fromkeys(ids)), points) for text, ids in met.items()]
    # A suite also causes statements that no delivery sends. They count only if nothing else explains the loss.
    return Lost(points, [each for each in new if each.like] or new)


def _new(text: str, missed: Sequence[str], scenarios: Sequence[str], points: Mapping[Place, int]) -> NewStatement:
    like = closest(text, missed) or ""
    count = sum(number for place, number in points.items() if like and place.text == like)
    return NewStatement(text, like, count, scenarios)


def _statement(kind: str, at: MessageMet | None, links: Mapping[str, str]) -> str:
    """Return the fingerprint of the statement that a relay fault met."""
    if kind not in FAULT_OF or at is None or at.link not in links or not at.text:
        return ""
    return fingerprint(links[at.link], at.text)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return ", ".join(names[:NAMED_MAX]) + more


__all__ = ["Lost", "NewStatement", "lost_of"]
