"""The fault space as a committed file: every point in a line, every exclusion with its reason, and a floor."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import UsageError
from harness.results.files import write_atomically
from harness.search.recording.places import KINDS, Kind, Point
from harness.search.recording.recording import Recording
from harness.search.space.actions import EXCLUSIONS, sensible

FILE = "fault_space.txt"
HEAD = "# harness.fault_space/1"
EXPLAINED = """\
# Every message that a delivery of the service puts on the wire, and everything that can be done to it there.
# Written by `python -m harness coverage --update`; review what changes as you review code.
#
# floor: the gate fails where less of these points has been hit and judged.
# exclude: actions | where they are left out | why.
# Then a line a point: protocol/direction/phase/message/statement/occurrence/action @ kinds of delivery.
"""
DEFAULT_FLOOR_PERCENT = 0.0
_FLOOR = re.compile(r"floor: (?P<percent>\d+(?:\.\d+)?)%")
_EXCLUDE = "exclude: "
_KINDS = " @ "


@dataclass(frozen=True, slots=True)
class FaultSpace:
    """Points, with the kinds of delivery that they occur in; exclusions as lines; the floor in percent."""

    points: Mapping[Point, tuple[Kind, ...]]
    floor_percent: float = DEFAULT_FLOOR_PERCENT
    exclusions: tuple[str, ...] = field(default_factory=lambda: tuple(str(each) for each in EXCLUSIONS))

    def text(self) -> str:
        """The whole file, sorted: a line changes only where its point does."""
        points = sorted(f"{point}{_KINDS}{' '.join(kinds)}" for point, kinds in self.points.items())
        excluded = [_EXCLUDE + line for line in self.exclusions]
        return "\n".join([HEAD, EXPLAINED, f"floor: {self.floor_percent:g}%", "", *excluded, "", *points, ""])

    def write(self, path: Path) -> None:
        """Write it, in one step."""
        write_atomically(path, self.text())


@dataclass(frozen=True, slots=True)
class Changes:
    """How a recorded space differs from the committed one."""

    new: tuple[Point, ...]
    gone: tuple[Point, ...]
    exclusions: bool

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.new or self.gone or self.exclusions)


def space_of(recordings: Iterable[Recording], *, floor_percent: float = DEFAULT_FLOOR_PERCENT) -> FaultSpace:
    """Return every point of some recordings."""
    kinds: dict[Point, set[Kind]] = {}
    for recorded in recordings:
        for message in recorded.messages:
            for point in sensible(message):
                kinds.setdefault(point, set()).add(recorded.kind)
    points = {point: tuple(kind for kind in KINDS if kind in of) for point, of in kinds.items()}
    return FaultSpace(points, floor_percent)


def changes(committed: FaultSpace, recorded: FaultSpace) -> Changes:
    """Compare; the kinds of delivery do not matter, nor does the floor."""
    new, gone = recorded.points.keys() - committed.points.keys(), committed.points.keys() - recorded.points.keys()
    return Changes(tuple(sorted(new)), tuple(sorted(gone)), committed.exclusions != recorded.exclusions)


def read_space(path: Path) -> FaultSpace:
    """Read a committed file. Raises UsageError that names the line."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        mend = "write it with `python -m harness coverage --update`"
        raise UsageError(f"{path}: cannot be read: {problem}", hint=mend) from problem
    if not lines or lines[0] != HEAD:
        raise UsageError.at(str(path), "line 1", lines[0] if lines else "", "not a fault space", valid=[HEAD])
    return _read(path, lines)


def _read(path: Path, lines: Sequence[str]) -> FaultSpace:
    floor: float | None = None
    exclusions: list[str] = []
    points: dict[Point, tuple[Kind, ...]] = {}
    for number, line in enumerate(lines, 1):
        place = f"{path}: line {number}"
        if not line or line.startswith("#"):
            continue
        if line.startswith("floor:"):
            floor = _floor(line, place)
        elif line.startswith(_EXCLUDE):
            exclusions.append(line.removeprefix(_EXCLUDE))
        else:
            point, _, kinds = line.rpartition(_KINDS)
            points[Point.parse(point, where=place)] = _kinds(kinds, place)
    mend = "write the file with `python -m harness coverage --update`"
    if not points:
        raise UsageError.at(str(path), "points", 0, "the fault space has none", mend=mend)
    if floor is None:
        raise UsageError.at(str(path), "floor", None, "no such line", mend="write `floor: 95%`")
    return FaultSpace(points, floor, tuple(exclusions))


def _floor(line: str, place: str) -> float:
    found = _FLOOR.fullmatch(line)
    if found is None or float(found["percent"]) > 100:
        raise UsageError.at(place, "floor", line, "not a share", mend="write `floor: 95%`")
    return float(found["percent"])


def _kinds(text: str, place: str) -> tuple[Kind, ...]:
    words = text.split()
    for word in words:
        if word not in KINDS:
            raise UsageError.at(place, "kind", word, "there is no such kind of delivery", valid=KINDS)
    return tuple(kind for kind in KINDS if kind in words)
