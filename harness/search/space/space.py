"""The fault space as a committed file: one line per point, exclusions with their reasons, and a floor."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator

from harness.documents import Table, check_document, check_schema, read_toml, wrong
from harness.errors import UsageError
from harness.results.files import write_atomically
from harness.search.recording.places import KINDS, Kind, Point
from harness.search.recording.recording import Recording
from harness.search.space.actions import exclusions_of, sensible

FILE = "fault_space.toml"
SCHEMA = "harness.fault_space/2"
BEFORE = "fault_space.txt"
"""The file of version 1."""
WRITE_IT = "write it with `python -m harness coverage --update`"
EXPLAINED = """\
# Every message that a delivery of the service puts on the wire, and everything that can be done to it there.
# Written by `python -m harness coverage --update`; review what changes as you review code.
"""
FLOOR = "# The gate fails where less of these points, in percent, has been hit and judged.\n"
EXCLUDED = "# Actions | the places where they are left out | why.\n"
POINTS = "# protocol/direction/phase/message/statement/occurrence/action = kinds of delivery\n"
DEFAULT_FLOOR_PERCENT = 0.0


def _point(text: Any) -> Point:
    try:
        return Point.parse(text)
    except UsageError as problem:
        raise wrong("not a point of the fault space", WRITE_IT) from problem


def _kinds(text: Any) -> tuple[Kind, ...]:
    words = str(text).split()
    for word in words:
        if word not in KINDS:
            raise wrong(f"{word!r} is no kind of delivery", "write kinds with a blank between", valid=KINDS)
    return tuple(kind for kind in KINDS if kind in words)


def _line(point: Point, kinds: tuple[Kind, ...]) -> str:
    return f"{json.dumps(str(point), ensure_ascii=False)} = {json.dumps(' '.join(kinds))}\n"


class _File(Table):
    schema_: Literal["harness.fault_space/2"] = Field(alias="schema")
    floor_percent: float = Field(ge=0, le=100)
    exclude: tuple[str, ...] = ()
    points: dict[Annotated[Point, PlainValidator(_point)], Annotated[tuple[Kind, ...], PlainValidator(_kinds)]]


@dataclass(frozen=True, slots=True)
class FaultSpace:
    """Points, with the kinds of delivery that they occur in; exclusions as lines; the floor in percent."""

    points: Mapping[Point, tuple[Kind, ...]]
    floor_percent: float = DEFAULT_FLOOR_PERCENT
    exclusions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the whole file, sorted, so that a line changes only if its point does."""
        excluded = "".join(f"  {json.dumps(line, ensure_ascii=False)},\n" for line in self.exclusions)
        points = sorted(_line(point, kinds) for point, kinds in self.points.items())
        head = f'{EXPLAINED}schema = "{SCHEMA}"\n\n{FLOOR}floor_percent = {self.floor_percent:g}\n\n'
        return f"{head}{EXCLUDED}exclude = [\n{excluded}]\n\n{POINTS}[points]\n{''.join(points)}"

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
    exclusions = exclusions_of({point.place.protocol for point in points})
    return FaultSpace(points, floor_percent, tuple(map(str, exclusions)))


def changes(committed: FaultSpace, recorded: FaultSpace) -> Changes:
    """Return the differences. Kinds of delivery and the floor are ignored."""
    new, gone = recorded.points.keys() - committed.points.keys(), committed.points.keys() - recorded.points.keys()
    return Changes(tuple(sorted(new)), tuple(sorted(gone)), committed.exclusions != recorded.exclusions)


def committed_space(scenarios: Path) -> FaultSpace | None:
    """Read the suite's committed space; None if there is no file.

    Raises UsageError for a file that cannot be read, and for an older version with no newer file beside it.
    """
    before = scenarios / BEFORE
    if (scenarios / FILE).is_file():
        return read_space(scenarios / FILE)
    if before.is_file():
        mend = f"run `python -m harness coverage --update --floor` with the floor that it has, then remove {BEFORE}"
        raise UsageError.at(str(before), "schema", "harness.fault_space/1", "an older version", mend=mend)
    return None


def read_space(path: Path) -> FaultSpace:
    """Read a committed file. Raises UsageError."""
    data = read_toml(path, mend=WRITE_IT)
    check_schema(data, place=str(path), schema=SCHEMA, mend=WRITE_IT)
    file = check_document(_File, data, place=str(path))
    if not file.points:
        raise UsageError.at(str(path), "points", 0, "the fault space has none", mend=WRITE_IT)
    return FaultSpace(file.points, file.floor_percent, file.exclude)
