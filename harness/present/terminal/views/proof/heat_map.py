"""Shows the ablation matrix on a terminal: a row per scenario, a column per protection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.present.looks import BOLD, DIM, legend, look
from harness.present.terminal.pieces import Line, Piece
from harness.proof.matrix import Cell, Matrix, Row
from harness.results.text import counted

NOT_TRIED = (" ", "")


def heat_map_lines(matrix: Matrix) -> Iterator[Line]:
    """The map, its legend, what each protection carries, and which cover for each other."""
    width = max((len(row.id) for row in matrix.rows), default=0)
    yield [(f"every scenario with each protection off, profile {matrix.profile}", BOLD)]
    yield from _head(matrix.protections, width)
    for row in matrix.rows:
        yield _row(row, matrix.protections, width)
    yield [(f"{'':{width}}  {legend()}; first column: everything on", DIM)]
    for number, name in enumerate(matrix.protections, 1):
        carried = matrix.carries(name)
        what = (
            f"carries {counted(len(carried), 'scenario')}: {', '.join(carried)}"
            if carried
            else "carries no scenario by itself"
        )
        yield [(f"{number:3} ", DIM), (name, BOLD), (f"  {what}", "")]
    for cover in matrix.covers:
        yield [
            ("cover for each other: ", ""),
            (f"{cover.protection} and {cover.covered_by}", BOLD),
            (f", in {cover.scenario}", ""),
        ]
    unmoved = matrix.carried_by_none()
    if unmoved:
        yield [("held by more than one protection, or by none: ", ""), (", ".join(unmoved), BOLD)]


def _head(protections: Sequence[str], width: int) -> Iterator[Line]:
    numbers = [f"{number:>2}" for number in range(1, len(protections) + 1)]
    for digit in (0, 1):
        yield [(f"{'':{width}}    {' '.join(number[digit] for number in numbers)}", DIM)]


def _row(row: Row, protections: Sequence[str], width: int) -> Line:
    pieces: list[Piece] = [(f"{row.id:{width}}  ", ""), _sign(row.whole), (" ", "")]
    for name in protections:
        sign, style = _sign(row.cells.get(name))
        pieces.append((f"{sign} ", style))
    return pieces


def _sign(cell: Cell | None) -> Piece:
    return NOT_TRIED if cell is None else (look(cell.verdict).mark, look(cell.verdict).style)
