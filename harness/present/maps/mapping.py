"""Turns a sweep's results and the coverage into maps for the report."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.present.looks import look
from harness.present.maps.fault_map import FaultMap, MapRow, Sign
from harness.present.maps.grid import ActionRow, ByteRow, Grids, grids_of, label_of
from harness.results.folder import RUN_NAME
from harness.results.revision import short
from harness.search.recording.places import Place
from harness.search.space.actions import ACTIONS
from harness.search.space.coverage import Coverage, Subject
from harness.search.space.swept import SweepRead, Swept, sweeps_in
from harness.search.sweep.report import HTML_FILE
from harness.search.sweep.results import CellResult, CellVerdict, RowOfMap, SweepResults

ACTIONS_TITLE, BYTES_TITLE = "What was done to each message", "Cut after each byte"
HIT, UNTRIED = "h", "."
Run = tuple[int, int, str]


def sweep_maps(results: Path, subject: Subject, run: Path, unread: list[str]) -> Sequence[FaultMap]:
    """Return maps of the newest sweep of the same subject in `results`, for the report of `run`; or none.

    The sweep may cover a part of the fault space, or be of another commit: the map says so. Newer sweeps that cannot be
    read are left out; `unread` says why.
    """
    newest = _newest(results, subject, unread)
    if newest is None:
        return ()
    linked = RUN_NAME.fullmatch(newest.folder.name) and (newest.folder / HTML_FILE).is_file()
    link = _beside(newest.folder, run) if linked else ""
    found = _results(newest.sweep)
    return maps_of(found, grids_of(found), about=tuple(_about(newest.sweep, subject)), link=link)


def maps_of(found: SweepResults, grids: Grids, *, about: Sequence[str] = (), link: str = "") -> Sequence[FaultMap]:
    """The map of actions and the map of bytes of a sweep; one that has no rows is left out."""
    maps = (
        (ACTIONS_TITLE, grids.columns, [_acted(row, found) for row in grids.actions]),
        (BYTES_TITLE, (), [_cut(row) for row in grids.bytes]),
    )
    return [
        FaultMap(of="sweep", title=title, about=tuple(about), columns=tuple(columns), signs=_signs(rows),
                 rows=tuple(rows), link=link)
        for title, columns, rows in maps if rows
    ]  # fmt: skip


def coverage_map(found: Coverage) -> FaultMap:
    """Which points of the committed fault space were hit, with evidence, and judged."""
    columns = [action for action in ACTIONS if any(point.action == action for point in found.space.points)]
    hit: dict[Place, dict[int, str]] = {}
    for point in found.space.points:
        cells = hit.setdefault(point.place, {})
        cells[columns.index(point.action)] = HIT if point in found.hit else UNTRIED
    rows = [
        MapRow(group=place.protocol, label=label_of(place), told=str(place), runs=tuple(_merged(hit[place])))
        for place in sorted(hit)
    ]
    signs = (
        Sign(letter=HIT, meaning="hit, with evidence, and judged", tone="held", count=len(found.hit)),
        Sign(letter=UNTRIED, meaning="not tried", tone="none", count=len(found.untried)),
    )
    about = (f"{len(found.hit)} of {len(found.space.points)} points of the committed fault space",)
    return FaultMap(
        of="coverage", title="Fault coverage", about=about, columns=tuple(columns), signs=signs, rows=tuple(rows)
    )


def _newest(results: Path, subject: Subject, unread: list[str]) -> Swept | None:
    """The newest sweep of the same target, profile and protections."""
    for each in sweeps_in(results, unread):
        run = each.sweep.run
        if (run.target, run.profile, each.sweep.without) == (subject.target, subject.profile, subject.without):
            return each
    return None


def _beside(folder: Path, run: Path) -> str:
    """From a report in `run` to the sweep's own page."""
    return HTML_FILE if folder.resolve() == run.resolve() else f"../{folder.name}/{HTML_FILE}"


def _about(sweep: SweepRead, subject: Subject) -> Iterator[str]:
    run = sweep.run
    yield f"sweep {run.id}: {len(sweep.cells)} cells, profile {run.profile}, {run.started_at[:19]}"
    if run.revision != subject.revision:
        yield f"of another commit, {short(run.revision)}, or of a changed copy"
    if not sweep.complete:
        yield "it was ended early"
    elif sweep.part:
        yield "a part of the fault space"
    yield from (f"left out: {sentence}" for sentence in sweep.left_out)


def _results(sweep: SweepRead) -> SweepResults:
    return SweepResults(
        rows=[RowOfMap(row.kind, row.place, row.length) for row in sweep.messages],
        cells=[CellResult(cell=each.id, verdict=each.verdict) for each in sweep.cells],
        left_out=sweep.left_out,
    )


def _acted(row: ActionRow, found: SweepResults) -> MapRow:
    letters = {column: look(found.cells[index].verdict).letter for column, index in row.cells.items()}
    return _row(row.row, _merged(letters))


def _cut(row: ByteRow) -> MapRow:
    return _row(row.row, ((run.begin, run.end, look(run.verdict).letter) for run in row.runs))


def _row(row: RowOfMap, runs: Iterator[Run]) -> MapRow:
    return MapRow(group=row.kind, label=label_of(row.place), told=str(row.place), runs=tuple(runs))


def _merged(letters: Mapping[int, str]) -> Iterator[Run]:
    """Neighbours with one letter become one run."""
    places = sorted(letters)
    for letter, group in itertools.groupby(places, key=lambda place: letters[place]):
        members = list(group)
        for _, run in itertools.groupby(enumerate(members), key=lambda each: each[1] - each[0]):
            of_run = [place for _, place in run]
            yield of_run[0], of_run[-1], letter


def _signs(rows: Sequence[MapRow]) -> tuple[Sign, ...]:
    counts = Counter[str]()
    for row in rows:
        for begin, end, letter in row.runs:
            counts[letter] += end - begin + 1
    shown = [(look(verdict), counts[look(verdict).letter]) for verdict in CellVerdict]
    return tuple(
        Sign(letter=looks.letter, meaning=looks.meaning, tone=looks.tone, count=count)
        for looks, count in shown
        if count
    )


__all__ = ["coverage_map", "maps_of", "sweep_maps"]
