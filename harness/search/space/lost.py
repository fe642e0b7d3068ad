"""Why a gate hits less of the fault space than was committed: which statements it no longer met, and which instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import closest
from harness.history.events import MessageMet
from harness.protocols.contract.speech import fingerprint
from harness.results import RunResult
from harness.search.recording.places import Place
from harness.search.space.coverage import FAULT_OF, Coverage

NAMED_MAX = 3
"""Scenarios, places and statements named in a sentence; the others are counted."""


@dataclass(frozen=True, slots=True)
class NewStatement:
    """A statement that a fault met and the fault space does not have. `like`: the closest that was not hit, or ""."""

    text: str
    like: str
    scenarios: Sequence[str]

    def __str__(self) -> str:
        """In words."""
        instead = f", where the fault space has {self.like!r}" if self.like else ""
        return f"the service now sends {self.text!r}{instead} (met in {_some(self.scenarios)})"


@dataclass(frozen=True, slots=True)
class Lost:
    """`points`: how many were not hit, by their place. `new`: what was met instead."""

    points: Mapping[Place, int]
    new: Sequence[NewStatement]

    def sentences(self) -> Iterator[str]:
        """One for each statement that is new, then one for each place that was not hit, the fewest words first."""
        yield from (str(each) for each in self.new)
        places = sorted(self.points)
        for place in places[:NAMED_MAX]:
            count = self.points[place]
            yield f"not hit: {count} {'point' if count == 1 else 'points'} at {place}"
        if len(places) > NAMED_MAX:
            rest = sum(self.points[place] for place in places[NAMED_MAX:])
            yield f"not hit: {rest} points at {len(places) - NAMED_MAX} other places: `harness coverage` lists them"


def lost_of(coverage: Coverage, runs: Collection[RunResult], links: Mapping[str, str]) -> Lost:
    """What was not hit, and the statements that the fault space lacks. `links`: each link's protocol, by its name."""
    points = Counter(point.place for point in coverage.untried)
    known = {point.place.text for point in coverage.space.points}
    missed = sorted({place.text for place in points if place.text})
    met: dict[str, list[str]] = {}
    for run in runs:
        for evidence in run.evidence:
            text = _statement(evidence.kind, evidence.at, links)
            if text and text not in known:
                met.setdefault(text, []).append(run.key.id)
    new = [NewStatement(text, closest(text, missed) or "", list(dict.fromkeys(ids))) for text, ids in met.items()]
    return Lost(points, [each for each in new if each.like] or new)


def _statement(kind: str, at: MessageMet | None, links: Mapping[str, str]) -> str:
    """The fingerprint of the statement that a fault of the relay met."""
    if kind not in FAULT_OF or at is None or at.link not in links or not at.text:
        return ""
    return fingerprint(links[at.link], at.text)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return ", ".join(names[:NAMED_MAX]) + more


__all__ = ["Lost", "NewStatement", "lost_of"]
