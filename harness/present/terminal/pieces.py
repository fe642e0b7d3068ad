"""A line for the terminal: styled pieces, and how to fit them into a narrow terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias, overload

from harness.present.looks import GOOD

Piece: TypeAlias = tuple[str, str]
"""A text and its style."""
Line: TypeAlias = Sequence[Piece]
"""The terminal itself wraps it, so that copied text is whole. A `FittedLine` says otherwise."""


class Fit(Enum):
    """How to shorten a line that is longer than the terminal is wide."""

    CUT = auto()
    """A line that is truncated: a row of a table, or a success."""
    INDENTED = auto()
    """Two pieces. The second is wrapped at words, indented to its own beginning, and limited to a few lines."""


@dataclass(frozen=True, slots=True)
class FittedLine(Sequence[Piece]):
    """A line that a terminal does not wrap by itself. A pipe gets it as any other."""

    pieces: tuple[Piece, ...]
    fit: Fit

    def __len__(self) -> int:
        return len(self.pieces)

    @overload
    def __getitem__(self, place: int) -> Piece: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Piece, ...]: ...
    def __getitem__(self, place: int | slice) -> Piece | tuple[Piece, ...]:
        return self.pieces[place]


def cut(*pieces: Piece) -> Line:
    """Return a line that a narrow terminal truncates."""
    return FittedLine(pieces, Fit.CUT)


def by_style(*pieces: Piece) -> Line:
    """Return a line that is truncated if its first piece reports success. Otherwise it is shown in full."""
    return cut(*pieces) if pieces[0][1] == GOOD else pieces


def indented(label: Piece, text: Piece) -> Line:
    """A label, and a text that is wrapped below its own beginning."""
    return FittedLine((label, text), Fit.INDENTED)
