"""Determines which points of the fault space scenarios and sweeps have hit, with evidence, and judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.history.events import MessageMet
from harness.protocols.contract.speech import fingerprint
from harness.protocols.registry import PROTOCOLS
from harness.results import Role, RunResult
from harness.results.model import SummaryRead
from harness.results.naming import summaries_in
from harness.results.reading import read_summary
from harness.search.recording.places import Point
from harness.search.space.actions import ERRORS, FAULTS
from harness.search.space.space import FaultSpace, committed_space
from harness.search.space.swept import CellRead, SweepRead, Swept, sweeps_in
from harness.search.sweep.report import JSON_FILE
from harness.search.sweep.results import CellVerdict
from harness.vocabulary import from_json

JUDGED_RUNS = ("held", "failed")
ABLATED: Role = "ablated"
"""Such a run must fail, so its hits do not count for the usual service."""
UNJUDGED = (CellVerdict.INCONCLUSIVE, CellVerdict.UNMET)
FAULT_OF = {kind.kind: fault for fault in FAULTS for kind in fault.evidence}
"""Maps a kind of evidence to the wire fault that it proves."""
_ERROR_OF = {error.code: name for name, error in reversed(tuple(ERRORS.items()))}
_BY_LINK: Mapping[str, str] = {protocol: protocol for protocol in PROTOCOLS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The tested combination: the target's description, a profile, the protections that were off, and the commit."""

    target: str
    profile: str
    without: tuple[str, ...]
    revision: str

    @classmethod
    def of(cls, summary: SummaryRead) -> Subject:
        """Return the subject of a run. Protections that were off in the whole run were off in its first scenario."""
        run = summary.run
        without = next((each.without for each in summary.runs if each.role == "scenario"), ())
        return cls(target=run.target, profile=run.profile, without=without, revision=run.revision)

    def was_swept(self, sweep: SweepRead) -> bool:
        """Whether a sweep covers its whole fault space, is complete, and has exactly the same files."""
        run = sweep.run
        swept = Subject(target=run.target, profile=run.profile, without=sweep.without, revision=run.revision)
        return sweep.complete and not sweep.part and swept == self and bool(self.revision)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The points of a space, and the hit and judged ones."""

    space: FaultSpace
    hit: frozenset[Point]

    @property
    def percent(self) -> float:
        """The share that was hit. An empty space is covered completely."""
        return 100 * len(self.hit) / len(self.space.points) if self.space.points else 100.0

    @property
    def untried(self) -> Sequence[Point]:
        """The points that no run has tried, sorted."""
        return sorted(self.space.points.keys() - self.hit)

    @property
    def below_floor(self) -> str:
        """Return why the gate fails; empty if it does not."""
        floor = self.space.floor_percent
        if self.percent >= floor:
            return ""
        return f"{self.percent:.1f}% of the fault space was hit and judged, the committed floor is {floor:g}%"

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `summary.json`: points, hit, and both by protocol."""
        by_protocol = {
            protocol: {
                "points": sum(point.place.protocol == protocol for point in self.space.points),
                "hit": sum(point.place.protocol == protocol for point in self.hit),
            }
            for protocol in PROTOCOLS
            if any(point.place.protocol == protocol for point in self.space.points)
        }
        return {
            "points": len(self.space.points),
            "hit": len(self.hit),
            "percent": round(self.percent, 2),
            "floor_percent": self.space.floor_percent,
            "by_protocol": by_protocol,
        }


def coverage_of(space: FaultSpace, hit: Collection[Point]) -> Coverage:
    """Mark points of a space. Hits outside the space do not count."""
    return Coverage(space, frozenset(hit) & space.points.keys())


def hit_by_sweep(sweep: SweepRead) -> frozenset[Point]:
    """Return the points that a sweep hit and judged."""
    judged = [cell for cell in sweep.cells if cell.verdict not in UNJUDGED]
    return frozenset(point for cell in judged for point in _struck(cell))


def _struck(cell: CellRead) -> Sequence[Point]:
    """Return the points of a cell whose faults struck. The second fault waits for the first."""
    known = cell.id
    points = [known.first] if known.second is None else [known.first, known.second]
    return points[: cell.struck]


def hit_by_runs(space: FaultSpace, results: Collection[RunResult], links: Mapping[str, str] = _BY_LINK) -> set[Point]:
    """Return the points that judged runs hit, by the relay's evidence. `links`: each link's protocol, by link name."""
    found: set[Point] = set()
    for result in results:
        if result.verdict in JUDGED_RUNS and result.role != ABLATED:
            for evidence in result.evidence:
                found |= hit_by_evidence(space, evidence.kind, evidence.at, links)
    return found


def hit_by_summary(space: FaultSpace, summary: SummaryRead, links: Mapping[str, str] = _BY_LINK) -> set[Point]:
    """Return the same for a gate that has ended. Raises UsageError for evidence of another version."""
    found: set[Point] = set()
    for run in summary.runs:
        if run.verdict in JUDGED_RUNS and run.role != ABLATED:
            for evidence in run.evidence:
                found |= hit_by_evidence(space, evidence.kind, _at(evidence.at, summary.run.id), links)
    return found


def _at(data: Mapping[str, Any] | None, where: str) -> MessageMet | None:
    return None if data is None else from_json({"kind": MessageMet.kind, **data}, MessageMet, place=where)


def hit_by_evidence(space: FaultSpace, kind: str, at: MessageMet | None, links: Mapping[str, str]) -> set[Point]:
    """Return the first point that matches a piece of evidence; None if the evidence is for another fault."""
    fault = FAULT_OF.get(kind)
    if fault is None or at is None or at.link not in links:
        return set()
    protocol = links[at.link]
    shape = fingerprint(protocol, at.text) if at.text else ""
    swept_as = fault.swept_as(at)
    action = _ERROR_OF.get(swept_as, swept_as)
    fitting = [
        point
        for point in space.points
        if (point.place.protocol, point.place.direction, point.place.message, point.place.text, point.action)
        == (protocol, at.direction, at.message, shape, action)
    ]
    return set(sorted(fitting)[:1])


def gate_coverage(
    scenarios: Path,
    results: Path,
    runs: Collection[RunResult],
    subject: Subject,
    unread: list[str],
    links: Mapping[str, str] = _BY_LINK,
) -> Coverage | None:
    """Return what a gate's runs and the newest sweep of the same subject have hit; None if no space is committed.

    A sweep that cannot be read does not count; `unread` says why. Raises UsageError for a committed file that cannot be
    read.
    """
    space = committed_space(scenarios)
    if space is None:
        return None
    swept = newest_sweep(results, subject, unread)
    by_sweep = hit_by_sweep(swept.sweep) if swept is not None else frozenset()
    return coverage_of(space, by_sweep | hit_by_runs(space, runs, links))


def newest_sweep(results: Path, subject: Subject, unread: list[str]) -> Swept | None:
    """The newest whole sweep of the same subject in `results`; what could not be read, and why, is in `unread`."""
    if not subject.revision and any(results.glob(f"*/{JSON_FILE}")):
        unread.append("sweeps are left out: without a repository nothing tells whether they were of these files")
        return None
    return next((each for each in sweeps_in(results, unread) if subject.was_swept(each.sweep)), None)


def newest_gate(results: Path, ids: Collection[str], subject: Subject, unread: list[str]) -> SummaryRead | None:
    """The newest complete run of the whole suite in `results`: `ids` are its scenarios.

    It has the same target, profile and protections, at any commit. `unread` says what could not be read.
    """
    for path in reversed(summaries_in(results)):
        try:
            summary = read_summary(path)
        except UsageError as problem:
            unread.append(f"a run is left out: {problem.message}")
            continue
        same = replace(Subject.of(summary), revision=subject.revision) == subject
        if same and summary.complete and set(ids) <= set(summary.selection):
            return summary
    return None


__all__ = [
    "Coverage",
    "Subject",
    "coverage_of",
    "gate_coverage",
    "hit_by_evidence",
    "hit_by_runs",
    "hit_by_summary",
    "hit_by_sweep",
    "newest_gate",
    "newest_sweep",
]
