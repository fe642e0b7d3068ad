"""Draws the two maps as SVG: rows of cells, merged where equal neighbours make one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from harness.results.text import shortened, visible
from harness.search.maps.grid import ByteRow, Grids
from harness.search.maps.terminal_map import label_of
from harness.search.sweep.results import CellVerdict, SweepResults

LABEL_CHARACTERS = 62
LEFT = 430
"""Where the cells begin: the labels stand before that. All lengths are in pixels."""
ACTION_WIDTH, ACTION_HEIGHT = 18, 16
BYTE_WIDTH, BYTE_HEIGHT = 4, 14
ROW_GAP = 2
HEAD_HEIGHT = 104
KIND_HEIGHT = 20

CLASSES: Mapping[CellVerdict, str] = {
    CellVerdict.HELD: "h",
    CellVerdict.FAILED: "F",
    CellVerdict.INCONCLUSIVE: "q",
    CellVerdict.UNMET: "u",
    CellVerdict.NOTICED: "n",
    CellVerdict.SILENT: "S",
}


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row as the page's script needs it: its top edge, and each cell's column and index."""

    y: int
    cells: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A map: the SVG, and where its cells are."""

    name: str
    svg: str
    rows: Sequence[PlacedRow]
    width: int
    height: int


def action_map(grids: Grids, results: SweepResults) -> Drawn:
    """Messages down, actions across, a letter in every cell."""
    pieces = list(_columns(grids.columns))
    rows: list[PlacedRow] = []
    y, kind = HEAD_HEIGHT, ""
    for row in grids.actions:
        if row.row.kind != kind:
            kind = row.row.kind
            pieces.append(_heading(y, kind))
            y += KIND_HEIGHT
        verdicts = {column: results.cells[index].verdict for column, index in row.cells.items()}
        pieces.append(_label(y + 12, row.row.place))
        pieces += [_cell(LEFT + column * ACTION_WIDTH, y, ACTION_WIDTH - 1, ACTION_HEIGHT, verdict)
                   for column, verdict in sorted(verdicts.items())]  # fmt: skip
        pieces += _letters(y + 12, verdicts)
        rows.append(PlacedRow(y, sorted(row.cells.items())))
        y += ACTION_HEIGHT + ROW_GAP
    width = LEFT + len(grids.columns) * ACTION_WIDTH + 40
    svg = _svg("actions", width, y + 4, ACTION_WIDTH - 1, ACTION_HEIGHT, pieces, "Map of actions")
    return Drawn("actions", svg, rows, ACTION_WIDTH, ACTION_HEIGHT)


def byte_map(grids: Grids) -> Drawn:
    """A row of cells for each message, one cell a byte; neighbours of one verdict are one rectangle."""
    pieces = [_ticks()]
    rows: list[PlacedRow] = []
    y, kind, longest = 4, "", 0
    for row in grids.bytes:
        if row.row.kind != kind:
            kind = row.row.kind
            pieces.append(_heading(y, kind))
            y += KIND_HEIGHT
        longest = max(longest, row.runs[-1].end)
        pieces.append(_label(y + 11, row.row.place))
        pieces += list(_runs(row, y))
        rows.append(PlacedRow(y, sorted(row.cells.items())))
        y += BYTE_HEIGHT + ROW_GAP
    svg = _svg("bytes", LEFT + (longest + 2) * BYTE_WIDTH, y + 4, BYTE_WIDTH, BYTE_HEIGHT, pieces, "Map of bytes")
    return Drawn("bytes", svg, rows, BYTE_WIDTH, BYTE_HEIGHT)


def _runs(row: ByteRow, y: int) -> Iterator[str]:
    """The rectangles of a row, ticks over them, and a letter on each that did not hold."""
    edges = [(run, LEFT + run.begin * BYTE_WIDTH, (run.end - run.begin + 1) * BYTE_WIDTH) for run in row.runs]
    for run, x, width in edges:
        yield _cell(x, y, width, BYTE_HEIGHT, run.verdict)
    first, last = edges[0][1], edges[-1][1] + edges[-1][2]
    ticked = f'x="{first}" y="{y}" width="{last - first}" height="{BYTE_HEIGHT}"'
    yield f'<rect class="ticks" fill="url(#ticks)" {ticked}/>'
    for run, x, width in edges:
        if run.verdict is not CellVerdict.HELD:
            yield _letter(x + width / 2, y + 11, run.verdict)


def swatch(verdict: CellVerdict) -> str:
    """Draw one cell, for the legend."""
    cell = _cell(0, 0, ACTION_WIDTH, ACTION_HEIGHT, verdict)
    letter = _letter(ACTION_WIDTH / 2, 12, verdict)
    return f'<svg width="{ACTION_WIDTH}" height="{ACTION_HEIGHT}" aria-hidden="true">{cell}{letter}</svg>'


def _svg(name: str, width: int, height: int, wide: int, high: int, pieces: Sequence[str], title: str) -> str:
    cursor = f'<rect class="cursor" visibility="hidden" width="{wide}" height="{high}"/>'
    label = f'role="application" aria-label="{title}: arrow keys move, Enter shows"'
    head = f'<svg id="{name}" tabindex="0" {label} width="{width}" height="{height}">'
    return "\n".join([head, *pieces, cursor, "</svg>"])


def _columns(names: Sequence[str]) -> Iterator[str]:
    for column, name in enumerate(names):
        x, y = LEFT + column * ACTION_WIDTH + ACTION_WIDTH // 2 + 3, HEAD_HEIGHT - 4
        yield f'<text class="col" transform="rotate(-60 {x} {y})" x="{x}" y="{y}">{escape(name)}</text>'


def _heading(y: int, kind: str) -> str:
    return f'<text class="head" x="0" y="{y + 14}">{escape(kind)}</text>'


def _label(y: int, place: str) -> str:
    label = label_of(place)
    full = escape(visible(place))
    return f'<text x="8" y="{y}">{escape(shortened(label, LABEL_CHARACTERS))}<title>{full}</title></text>'


def _cell(x: float, y: int, width: float, height: int, verdict: CellVerdict) -> str:
    return f'<rect class="cell {CLASSES[verdict]}" x="{x:g}" y="{y}" width="{width:g}" height="{height}"/>'


def _letters(y: int, verdicts: Mapping[int, CellVerdict]) -> Iterator[str]:
    """One text element for each verdict of a row: its letters at their places."""
    for verdict in dict.fromkeys(verdicts.values()):
        columns = sorted(column for column, each in verdicts.items() if each is verdict)
        xs = " ".join(f"{LEFT + column * ACTION_WIDTH + ACTION_WIDTH / 2:g}" for column in columns)
        yield f'<text class="on t{CLASSES[verdict]}" x="{xs}" y="{y}">{escape(verdict.letter * len(columns))}</text>'


def _letter(x: float, y: int, verdict: CellVerdict) -> str:
    return f'<text class="on t{CLASSES[verdict]}" x="{x:g}" y="{y}">{escape(verdict.letter)}</text>'


def _ticks() -> str:
    """A thin line between bytes, drawn once and repeated."""
    line = f'<path d="M{BYTE_WIDTH - 0.5} 0V{BYTE_HEIGHT}" stroke="var(--paper)" stroke-width=".6"/>'
    return (
        f'<defs><pattern id="ticks" x="{LEFT}" width="{BYTE_WIDTH}" height="{BYTE_HEIGHT}" '
        f'patternUnits="userSpaceOnUse">{line}</pattern></defs>'
    )
