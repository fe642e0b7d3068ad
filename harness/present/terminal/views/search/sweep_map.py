"""Shows the map on a terminal: messages down, actions across, a letter and a style per verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.present.looks import look
from harness.present.maps.grid import ActionRow, ByteRow, Grids, by_kind, grids_of, label_of
from harness.present.terminal.pieces import Line
from harness.results.text import shortened
from harness.search.sweep.results import CellVerdict, SweepResults

LABEL_WIDTH = 58
NOTHING = "."


def map_lines(results: SweepResults) -> Iterator[Line]:
    """Yield the lines of the map; none if no cell was tried."""
    grids = grids_of(results)
    cut = {(row.row.kind, row.row.place): row for row in grids.bytes}
    yield from _headings(grids)
    for kind, rows in by_kind(grids.actions):
        yield [(f"{kind} delivery" if kind not in ("read", "copies") else kind, "bold")]
        for row in rows:
            yield _row(row, grids, results, cut.get((row.row.kind, row.row.place)))
    yield from _byte_rows_alone(grids, results)
    yield from _pairs(grids, results)
    yield from _legend(results)


def _headings(grids: Grids) -> Iterator[Line]:
    """The actions' names from top to bottom, each over its column."""
    height = max((len(name) for name in grids.columns), default=0)
    for level in range(height):
        letters = "".join(f" {name.rjust(height)[level]}" for name in grids.columns)
        yield [(" " * LABEL_WIDTH + letters, "dim")]


def _row(row: ActionRow, grids: Grids, results: SweepResults, cut: ByteRow | None) -> Line:
    pieces = [(shortened(f"  {label_of(row.row.place)}", LABEL_WIDTH).ljust(LABEL_WIDTH), "")]
    for column in range(len(grids.columns)):
        if column in row.cells:
            verdict = results.cells[row.cells[column]].verdict
            pieces.append((f" {look(verdict).letter}", look(verdict).style))
        else:
            pieces.append((f" {NOTHING}", "dim"))
    return [*pieces, *_bytes(cut, results)]


def _bytes(row: ByteRow | None, results: SweepResults) -> Line:
    """How the cuts inside of the message ended: `  248h 3F`."""
    if row is None:
        return []
    counted = Counter(results.cells[index].verdict for index in row.cells.values())
    pieces: list[tuple[str, str]] = [("  cut inside:", "dim")]
    pieces += [(f" {counted[each]}{look(each).letter}", look(each).style) for each in CellVerdict if counted[each]]
    return pieces


def _byte_rows_alone(grids: Grids, results: SweepResults) -> Iterator[Line]:
    """Yield rows of messages for which only cuts inside were tried."""
    acted = {(row.row.kind, row.row.place) for row in grids.actions}
    for row in grids.bytes:
        if (row.row.kind, row.row.place) not in acted:
            label = shortened(f"  {row.row.kind}: {label_of(row.row.place)}", LABEL_WIDTH)
            yield [(label.ljust(LABEL_WIDTH), ""), *_bytes(row, results)]


def _pairs(grids: Grids, results: SweepResults) -> Iterator[Line]:
    if not grids.pairs:
        return
    counted = Counter(results.cells[index].verdict for index in grids.pairs)
    pieces: list[tuple[str, str]] = [("pairs:", "bold")]
    yield pieces + [(f" {counted[each]} {each.value}", look(each).style) for each in CellVerdict if counted[each]]


def _legend(results: SweepResults) -> Iterator[Line]:
    seen = results.verdicts
    for verdict in CellVerdict:
        if verdict in seen:
            yield [(f"{look(verdict).letter} ", look(verdict).style), (look(verdict).meaning, "dim")]
    if results.tried_again:
        yield [(results.tried_again, "dim")]
