"""The map on a terminal: messages down, actions across, a letter and a style for the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from harness.results.text import one_line, shortened
from harness.search.maps.grid import ActionRow, ByteRow, Grids, by_kind, grids_of
from harness.search.sweep.results import MEANINGS, WORST_FIRST, CellVerdict, SweepResults

Line = Sequence[tuple[str, str]]
"""Styled pieces, as the screen writes them."""
STYLES: Mapping[CellVerdict, str] = {
    CellVerdict.HELD: "green",
    CellVerdict.FAILED: "bold red",
    CellVerdict.INCONCLUSIVE: "yellow",
    CellVerdict.UNMET: "dim",
    CellVerdict.NOTICED: "cyan",
    CellVerdict.SILENT: "magenta",
}
LABEL_WIDTH = 58
NOTHING = "."
ARROWS = {"sent": ">", "answered": "<"}


def map_lines(results: SweepResults) -> Iterator[Line]:
    """Yield the whole map; nothing where nothing was swept."""
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


def label_of(place: str) -> str:
    """`> Query COMMIT`: the direction, the message, its statement, and which of several."""
    _, direction, phase, message, rest = place.split("/", 4)
    text, _, occurrence = rest.rpartition("/")
    words = [ARROWS[direction], message, text or f"({phase})", f"#{occurrence}" if occurrence != "1" else ""]
    return one_line(" ".join(words))


def _row(row: ActionRow, grids: Grids, results: SweepResults, cut: ByteRow | None) -> Line:
    pieces = [(shortened(f"  {label_of(row.row.place)}", LABEL_WIDTH).ljust(LABEL_WIDTH), "")]
    for column in range(len(grids.columns)):
        if column in row.cells:
            verdict = results.cells[row.cells[column]].verdict
            pieces.append((f" {verdict.letter}", STYLES[verdict]))
        else:
            pieces.append((f" {NOTHING}", "dim"))
    return [*pieces, *_bytes(cut, results)]


def _bytes(row: ByteRow | None, results: SweepResults) -> Line:
    """How the cuts inside of the message ended: `  248h 3F`."""
    if row is None:
        return []
    counted = Counter(results.cells[index].verdict for index in row.cells.values())
    pieces: list[tuple[str, str]] = [("  cut inside:", "dim")]
    pieces += [(f" {counted[each]}{each.letter}", STYLES[each]) for each in WORST_FIRST if counted[each]]
    return pieces


def _byte_rows_alone(grids: Grids, results: SweepResults) -> Iterator[Line]:
    """Messages of which nothing was tried but cuts inside."""
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
    yield pieces + [(f" {counted[each]} {each.value}", STYLES[each]) for each in WORST_FIRST if counted[each]]


def _legend(results: SweepResults) -> Iterator[Line]:
    seen = results.verdicts
    for verdict in WORST_FIRST:
        if verdict in seen:
            yield [(f"{verdict.letter} ", STYLES[verdict]), (MEANINGS[verdict], "dim")]
    if results.tried_again:
        yield [(results.tried_again, "dim")]
