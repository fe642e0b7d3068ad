"""Reads past sweeps from a folder of results."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator

from harness.documents import read_document
from harness.errors import UsageError
from harness.results.model import Read, RunInfo
from harness.search.recording.places import CUT_INSIDE, CellId, Kind, Place
from harness.search.space.actions import ACTIONS, ON_DEMAND
from harness.search.sweep.report import JSON_FILE, SCHEMA
from harness.search.sweep.results import CellVerdict


def _cell_id(text: Any) -> CellId:
    try:
        found = CellId.parse(text)
    except (TypeError, UsageError) as problem:
        raise ValueError("not a cell of a sweep") from problem
    for point in (found.first, found.second):
        if point is not None and point.action not in (*ACTIONS, *ON_DEMAND) and not _CUT.fullmatch(point.action):
            raise ValueError(f"there is no action {point.action!r}")
    return found


def _place(text: Any) -> Place:
    try:
        return Place.parse(text)
    except (TypeError, UsageError) as problem:
        raise ValueError("not the place of a message") from problem


_CUT = re.compile(rf"{CUT_INSIDE}\d+")


class MessageRead(Read):
    """A row of the maps. `length`: bytes."""

    kind: Kind
    place: Annotated[Place, PlainValidator(_place)]
    length: int


class CellRead(Read):
    """One cell, judged. `struck`: how many of its faults did."""

    id: Annotated[CellId, PlainValidator(_cell_id)]
    verdict: CellVerdict
    struck: int = 0


class SweepRead(Read):
    """The part of a `sweep.json` that is read. `part`: the sweep was restricted to a part of the fault space."""

    schema_: Literal["harness.sweep/1"] = Field(alias="schema")
    complete: bool
    run: RunInfo
    without: tuple[str, ...] = ()
    part: bool = True
    left_out: tuple[str, ...] = ()
    messages: tuple[MessageRead, ...]
    cells: tuple[CellRead, ...]


@dataclass(frozen=True, slots=True)
class Swept:
    """A sweep, and the folder of its run."""

    folder: Path
    sweep: SweepRead


def sweeps_in(results: Path, unread: list[str]) -> Iterator[Swept]:
    """All sweeps in the folder of results, the newest first. `unread` says which ones cannot be read, and why."""
    folders = sorted(path.parent for path in results.glob(f"*/{JSON_FILE}") if not path.parent.is_symlink())
    for folder in reversed(folders):
        try:
            yield Swept(folder, read_sweep(folder / JSON_FILE))
        except UsageError as problem:
            unread.append(f"a sweep is left out: {problem.message}")


def read_sweep(path: Path) -> SweepRead:
    """Read one file. Raises UsageError."""
    return read_document(SweepRead, path, schema=SCHEMA, mend="sweep again")


__all__ = ["CellRead", "MessageRead", "SweepRead", "Swept", "read_sweep", "sweeps_in"]
