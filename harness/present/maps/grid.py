"""The maps as plain grids: messages down, actions across. The byte map joins runs of equal cells."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.results.text import one_line
from harness.search.recording.places import CellId, Kind, Place
from harness.search.space.actions import ACTIONS, CROWD, ON_DEMAND
from harness.search.sweep.results import CellResult, CellVerdict, RowOfMap, SweepResults

ARROWS = {"sent": ">", "answered": "<"}


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One message. `cells`: index of the result in the sweep, by the action's column; missing if not tried."""

    row: RowOfMap
    cells: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring bytes of one verdict: cuts after `begin` up to and with `end` bytes."""

    begin: int
    end: int
    verdict: CellVerdict


@dataclass(frozen=True, slots=True)
class ByteRow:
    """One message. `cells`: index of the result, by the number of bytes that were let through."""

    row: RowOfMap
    cells: Mapping[int, int]
    runs: Sequence[Run]


@dataclass(frozen=True, slots=True)
class Grids:
    """Both maps. `columns`: the actions that were tried, in order."""

    columns: Sequence[str]
    actions: Sequence[ActionRow]
    bytes: Sequence[ByteRow]
    pairs: Sequence[int]
    """Results that have two faults, and so no place in a map of messages."""


def grids_of(results: SweepResults) -> Grids:
    """Lay out what a sweep found."""
    tried = {cell.cell.first.action for cell in results.cells if cell.cell.second is None}
    columns = [action for action in (*ACTIONS, *ON_DEMAND, CROWD) if action in tried]
    by_row: dict[tuple[Kind, Place], tuple[dict[int, int], dict[int, int]]] = {}
    for index, result in enumerate(results.cells):
        if result.cell.second is None:
            _put(by_row, columns, result.cell, index)
    actions, of_bytes = [], []
    for row in results.rows:
        acted, cut = by_row.get((row.kind, row.place), ({}, {}))
        actions += [ActionRow(row, acted)] if acted else []
        of_bytes += [ByteRow(row, cut, runs_of(cut, results.cells))] if cut else []
    pairs = [index for index, result in enumerate(results.cells) if result.cell.second is not None]
    return Grids(columns, actions, of_bytes, pairs)


def _put(
    by_row: dict[tuple[Kind, Place], tuple[dict[int, int], dict[int, int]]],
    columns: Sequence[str],
    cell: CellId,
    index: int,
) -> None:
    acted, cut = by_row.setdefault((cell.kind, cell.first.place), ({}, {}))
    passed = cell.first.bytes_passed
    if passed is None:
        acted[columns.index(cell.first.action)] = index
    else:
        cut[passed] = index


def runs_of(cells: Mapping[int, int], results: Sequence[CellResult]) -> Sequence[Run]:
    """Merge neighbouring bytes of the same verdict."""
    runs: list[Run] = []
    for passed in sorted(cells):
        verdict = results[cells[passed]].verdict
        if runs and runs[-1].end == passed - 1 and runs[-1].verdict is verdict:
            runs[-1] = Run(runs[-1].begin, passed, verdict)
        else:
            runs.append(Run(passed, passed, verdict))
    return runs


def by_kind(rows: Sequence[ActionRow]) -> Sequence[tuple[Kind, Sequence[ActionRow]]]:
    """Group the rows by kind of delivery; they are in that order."""
    return [(kind, list(group)) for kind, group in itertools.groupby(rows, key=lambda each: each.row.kind)]


def label_of(place: Place) -> str:
    """`> Query COMMIT`: the direction, the message, its statement, and which of several."""
    which = f"#{place.occurrence}" if place.occurrence > 1 else ""
    words = [ARROWS[place.direction], place.message, place.text or f"({place.phase})", which]
    return one_line(" ".join(words))
