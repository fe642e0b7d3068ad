"""Which points of the fault space were hit, with evidence, and judged: by scenarios and by sweeps."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.results import RunResult
from harness.search.actions import ERRORS
from harness.search.places import PROTOCOLS, CellId, Point
from harness.search.report import JSON_FILE
from harness.search.report import SCHEMA as SWEEP_SCHEMA
from harness.search.results import CellVerdict
from harness.search.space import FILE, FaultSpace, read_space
from harness.wire.fingerprint import fingerprint

JUDGED_RUNS = ("held", "failed")
UNJUDGED = (CellVerdict.INCONCLUSIVE, CellVerdict.UNMET)
WIRE = "wire_"
_TOLD = re.compile(
    r"(?P<link>[\w.-]+), connection \d+ \(port \d+\): (?P<message>\S+) (?P<direction>sent|answered)"
    r"(?: (?P<text>'.*'|\".*\"))?, at byte \d+ of the stream, (?P<passed>\d+) bytes of it passed",
    re.DOTALL,
)
"""What the relay's evidence says, in the words of the faults."""
_CLOSING = {"cut": ("cut_before", "cut_after"), "reset": ("reset_before", "reset_after")}
_SAME = {"drop_and_close": "cut_before"}
_BY_LINK: Mapping[str, str] = {protocol: protocol for protocol in PROTOCOLS}


@dataclass(frozen=True, slots=True)
class Coverage:
    """The points of a space, and which of them were hit and judged."""

    space: FaultSpace
    hit: frozenset[Point]

    @property
    def percent(self) -> float:
        """The share that was hit; of nothing, all was."""
        return 100 * len(self.hit) / len(self.space.points) if self.space.points else 100.0

    @property
    def untried(self) -> Sequence[Point]:
        """What nobody has tried, sorted."""
        return sorted(self.space.points.keys() - self.hit)

    @property
    def below_floor(self) -> str:
        """Why the gate fails; empty where it does not."""
        floor = self.space.floor_percent
        if self.percent >= floor:
            return ""
        return f"{self.percent:.1f}% of the fault space was hit and judged, the committed floor is {floor:g}%"

    def to_json(self) -> dict[str, Any]:
        """As `summary.json` has it: points, hit, and both by protocol."""
        by_protocol = {
            protocol: {
                "points": sum(point.place.protocol == protocol for point in self.space.points),
                "hit": sum(point.place.protocol == protocol for point in self.hit),
            }
            for protocol in PROTOCOLS
        }
        return {
            "points": len(self.space.points),
            "hit": len(self.hit),
            "percent": round(self.percent, 2),
            "floor_percent": self.space.floor_percent,
            "by_protocol": by_protocol,
        }


def coverage_of(space: FaultSpace, hit: Collection[Point]) -> Coverage:
    """Mark points of a space; what is none of its points does not count."""
    return Coverage(space, frozenset(hit) & space.points.keys())


def hit_by_sweep(folder: Path) -> frozenset[Point]:
    """Read what the sweep in a run's folder hit and judged; nothing where there was none. Raises UsageError."""
    path = folder / JSON_FILE
    if not path.is_file():
        return frozenset()
    data = _json(path)
    if data.get("schema") != SWEEP_SCHEMA:
        raise UsageError.at(str(path), "schema", data.get("schema"), "not a sweep", valid=[SWEEP_SCHEMA])
    judged = [cell["id"] for cell in data["cells"] if cell["verdict"] not in UNJUDGED]
    return frozenset(point for cell in judged for point in _points_of(CellId.parse(cell, where=str(path))))


def _points_of(cell: CellId) -> Iterator[Point]:
    yield cell.first
    if cell.second is not None:
        yield cell.second


def hit_by_runs(space: FaultSpace, results: Collection[RunResult], links: Mapping[str, str] = _BY_LINK) -> set[Point]:
    """Say what judged runs hit, by the relay's evidence. `links`: the protocol of each link, by its name."""
    found: set[Point] = set()
    for result in results:
        if result.verdict in JUDGED_RUNS:
            for evidence in result.evidence:
                found |= hit_by_evidence(space, evidence.kind, evidence.detail, links)
    return found


def hit_by_summary(space: FaultSpace, folder: Path, links: Mapping[str, str] = _BY_LINK) -> set[Point]:
    """Say the same of the run of a gate in a folder; nothing where there was none. Raises UsageError."""
    path = folder / "summary.json"
    if not path.is_file():
        return set()
    found: set[Point] = set()
    for run in _json(path)["runs"]:
        if run["verdict"] in JUDGED_RUNS:
            for evidence in run["evidence"]:
                found |= hit_by_evidence(space, evidence["kind"], evidence["detail"], links)
    return found


def hit_by_evidence(space: FaultSpace, kind: str, detail: str, links: Mapping[str, str]) -> set[Point]:
    """Find the point that a piece of evidence tells of, the first of its like; none where it tells of another fault."""
    told = _TOLD.search(detail)
    if not kind.startswith(WIRE) or told is None or told["link"] not in links:
        return set()
    protocol = links[told["link"]]
    text = ast.literal_eval(told["text"]) if told["text"] else ""
    shape = fingerprint(protocol, text) if text else ""  # type: ignore[arg-type]  # the target has no other protocols
    action = _action(kind.removeprefix(WIRE), int(told["passed"]), detail[: told.start()])
    fitting = [
        point
        for point in space.points
        if (point.place.protocol, point.place.direction, point.place.message, point.place.text, point.action)
        == (protocol, told["direction"], told["message"], shape, action)
    ]
    return set(sorted(fitting)[:1])


def _action(kind: str, passed: int, source: str) -> str:
    """The word for what was done. `source`: the fault's own source, which stands before its evidence."""
    if kind in _CLOSING:
        before, after = _CLOSING[kind]
        return after if passed else before
    if kind == "fail":
        return next((name for name in ERRORS if f"'{name.partition('_')[2]}'" in source), kind)
    return _SAME.get(kind, kind)


def gate_coverage(
    scenarios: Path, results: Path, runs: Collection[RunResult], links: Mapping[str, str] = _BY_LINK
) -> Coverage | None:
    """Say what a gate's own runs and the newest sweep in `results` have hit; None where no space is committed.

    Raises UsageError for a committed file that cannot be read.
    """
    path = scenarios / FILE
    if not path.is_file():
        return None
    space = read_space(path)
    sweep = newest_sweep(results)
    by_sweep = hit_by_sweep(sweep) if sweep is not None else frozenset()
    return coverage_of(space, by_sweep | hit_by_runs(space, runs, links))


def newest_sweep(results: Path) -> Path | None:
    """The folder of the newest run in `results` that has a sweep."""
    folders = sorted(path.parent for path in results.glob(f"*/{JSON_FILE}") if not path.parent.is_symlink())
    return folders[-1] if folders else None


def newest_gate(results: Path) -> Path | None:
    """The folder of the newest run in `results` that has a gate's summary."""
    folders = sorted(path.parent for path in results.glob("*/summary.json") if not path.parent.is_symlink())
    return folders[-1] if folders else None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise UsageError(f"{path}: cannot be read: {problem}", hint="run it again") from problem


__all__ = [
    "Coverage",
    "coverage_of",
    "gate_coverage",
    "hit_by_evidence",
    "hit_by_runs",
    "hit_by_summary",
    "hit_by_sweep",
    "newest_gate",
    "newest_sweep",
]
