"""What a sweep found, and what was covered, as maps that a report draws."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.results.maps import FaultMap, MapRow, Sign, Tone
from harness.results.reading import read_object
from harness.search.actions import ACTIONS
from harness.search.coverage import Coverage, Subject
from harness.search.grid import ActionRow, ByteRow, grids_of
from harness.search.places import CellId, Place
from harness.search.report import HTML_FILE, JSON_FILE, SCHEMA
from harness.search.results import MEANINGS, WORST_FIRST, CellResult, CellVerdict, RowOfMap, SweepResults
from harness.search.terminal_map import label_of

TONES: Mapping[CellVerdict, Tone] = {
    CellVerdict.HELD: "held",
    CellVerdict.FAILED: "failed",
    CellVerdict.SILENT: "failed",
    CellVerdict.INCONCLUSIVE: "doubt",
    CellVerdict.UNMET: "doubt",
    CellVerdict.NOTICED: "apart",
}
HIT, UNTRIED = "h", "."
COMMIT_CHARACTERS = 12
Run = tuple[int, int, str]


def sweep_maps(results: Path, subject: Subject, run: Path) -> Sequence[FaultMap]:
    """Draw the newest sweep of the same in `results`, for the report of `run`; nothing where there is none.

    It may be of a part of the fault space, or of another commit: the map says so. Raises UsageError for a sweep that
    cannot be read.
    """
    newest = _newest(results, subject)
    if newest is None:
        return ()
    folder, data = newest
    found = _results(data, folder / JSON_FILE)
    grids = grids_of(found)
    about = tuple(_about(data, found, subject))
    link = _beside(folder, run) if (folder / HTML_FILE).is_file() else ""
    maps = (
        ("What was done to each message", grids.columns, [_acted(row, found) for row in grids.actions]),
        ("Cut after each byte", (), [_cut(row) for row in grids.bytes]),
    )
    return [
        FaultMap(of="sweep", title=title, about=about, columns=tuple(columns), signs=_signs(rows), rows=tuple(rows),
                 link=link)
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
        MapRow(group=place.protocol, label=label_of(str(place)), told=str(place), runs=tuple(_merged(hit[place])))
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


def _newest(results: Path, subject: Subject) -> tuple[Path, Mapping[str, Any]] | None:
    """The newest sweep of the same target, profile and protections, and its folder."""
    folders = sorted(path.parent for path in results.glob(f"*/{JSON_FILE}") if not path.parent.is_symlink())
    for folder in reversed(folders):
        data = read_object(folder / JSON_FILE, mend="sweep again")
        run, without = data.get("run", {}), tuple(data.get("without", ()))
        if data.get("schema") == SCHEMA and (run.get("target"), run.get("profile"), without) == (
            subject.target, subject.profile, subject.without,
        ):  # fmt: skip
            return folder, data
    return None


def _beside(folder: Path, run: Path) -> str:
    """From a report in `run` to the sweep's own page."""
    return HTML_FILE if folder.resolve() == run.resolve() else f"../{folder.name}/{HTML_FILE}"


def _about(data: Mapping[str, Any], found: SweepResults, subject: Subject) -> Iterator[str]:
    run = data["run"]
    yield f"sweep {run['id']}: {len(found.cells)} cells, profile {run['profile']}, {run['started_at'][:19]}"
    if run["revision"] != subject.revision:
        yield f"of another commit, {run['revision'][:COMMIT_CHARACTERS]}, or of a changed copy"
    if not data["complete"]:
        yield "it was ended early"
    elif data["part"]:
        yield "a part of the fault space"
    yield from (f"left out: {sentence}" for sentence in found.left_out)


def _results(data: Mapping[str, Any], path: Path) -> SweepResults:
    try:
        return SweepResults(
            rows=[RowOfMap(**row) for row in data["messages"]],
            cells=[
                CellResult(cell=CellId.parse(each["id"], where=str(path)), verdict=CellVerdict(each["verdict"]))
                for each in data["cells"]
            ],
            left_out=tuple(data["left_out"]),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise UsageError(f"{path}: not a sweep of this version: {problem!r}", hint="sweep again") from problem


def _acted(row: ActionRow, found: SweepResults) -> MapRow:
    letters = {column: found.cells[index].verdict.letter for column, index in row.cells.items()}
    return _row(row.row, _merged(letters))


def _cut(row: ByteRow) -> MapRow:
    return _row(row.row, ((run.begin, run.end, run.verdict.letter) for run in row.runs))


def _row(row: RowOfMap, runs: Iterator[Run]) -> MapRow:
    return MapRow(group=row.kind, label=label_of(row.place), told=row.place, runs=tuple(runs))


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
    return tuple(
        Sign(letter=verdict.letter, meaning=MEANINGS[verdict], tone=TONES[verdict], count=counts[verdict.letter])
        for verdict in WORST_FIRST
        if counts[verdict.letter]
    )


__all__ = ["coverage_map", "sweep_maps"]
