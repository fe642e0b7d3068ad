"""Lays out the maps of the fault space in pixels, for the SVG template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.present.maps.fault_map import FaultMap, MapRow, Sign
from harness.results.text import shortened

LABEL_CHARACTERS = 56
LABEL_LEFT, CHARACTER_WIDTH = 8, 6.3
ROW_HEIGHT, CELL_HEIGHT = 15, 13
GROUP_HEIGHT = 20
COLUMN_WIDTH, BYTE_WIDTH = 17, 4
NAMES_HEIGHT, BYTES_HEIGHT = 104, 18
RIGHT = 50
BYTES_A_TICK = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A map. `paths`: all cells of a tone as one. `letters`: x and y of each that did not hold.

    `left`: where the cells begin. A phone is narrow: if cells have columns, the labels follow them, from `labels_x` on,
    so that labels are cut and not cells; with bars of bytes the labels come first, only as wide as needed. `tops`: the
    upper edge of each row of the source, in order. `wide`: a cell's width.
    """

    source: FaultMap
    left: int
    labels_x: int
    width: float
    height: float
    wide: int
    tops: Sequence[float]
    names: Sequence[tuple[float, str]]
    groups: Sequence[tuple[float, str]]
    labels: Sequence[tuple[float, str, str]]
    paths: Sequence[tuple[str, str]]
    letters: Sequence[tuple[str, float, str, str]]
    """For a row and a tone: the places across, the place down, the letters, the tone."""

    @property
    def summary(self) -> str:
        """Describe the drawing, for readers who cannot see it."""
        counts = ", ".join(f"{sign.count} {sign.meaning}" for sign in self.source.signs)
        return f"{self.source.title}, {len(self.source.rows)} messages: {counts}."

    @property
    def names_y(self) -> float:
        """The base line of what stands over the columns."""
        return _head(self.source) - 5


def drawn(source: FaultMap) -> Drawn:
    """Return the layout of the map."""
    wide, labels = COLUMN_WIDTH if source.columns else BYTE_WIDTH, _labels_width(source)
    left = LABEL_LEFT + (0 if source.columns else labels)
    labels_x = LABEL_LEFT + (len(source.columns) * wide + LABEL_LEFT if source.columns else 0)
    tones = {sign.letter: sign.tone for sign in source.signs}
    placed, groups, height = _placed(source)
    last = max((row.runs[-1][1] for row in source.rows if row.runs), default=0)
    paths: dict[str, list[str]] = {}
    letters: list[tuple[str, float, str, str]] = []
    for y, row in placed:
        for begin, end, letter in row.runs:
            paths.setdefault(tones.get(letter, "none"), []).append(_cells(begin, end, y, wide, left))
        letters += _letters(row, y, wide, left, source.signs)
    return Drawn(
        source=source,
        left=left,
        labels_x=labels_x,
        width=(labels_x + labels if source.columns else left + (last + 1) * wide) + RIGHT,
        height=height,
        wide=wide,
        tops=[y for y, _ in placed],
        names=list(_names(source, last, left)),
        groups=groups,
        labels=[(y + 10, shortened(row.label, LABEL_CHARACTERS), row.told) for y, row in placed],
        paths=[(tone, "".join(pieces)) for tone, pieces in paths.items()],
        letters=letters,
    )


def _labels_width(source: FaultMap) -> int:
    named = [min(len(row.label), LABEL_CHARACTERS) for row in source.rows] + [len(row.group) for row in source.rows]
    return round(CHARACTER_WIDTH * max(named, default=0))


def _head(source: FaultMap) -> float:
    return NAMES_HEIGHT if source.columns else BYTES_HEIGHT


def _placed(source: FaultMap) -> tuple[Sequence[tuple[float, MapRow]], Sequence[tuple[float, str]], float]:
    y, group = _head(source), ""
    placed: list[tuple[float, MapRow]] = []
    groups: list[tuple[float, str]] = []
    for row in source.rows:
        if row.group != group:
            group = row.group
            groups.append((y + 14, group))
            y += GROUP_HEIGHT
        placed.append((y, row))
        y += ROW_HEIGHT
    return placed, groups, y + 4


def _names(source: FaultMap, last: int, left: int) -> Iterator[tuple[float, str]]:
    """The columns' names; over bytes, how many have passed."""
    if source.columns:
        yield from ((left + place * COLUMN_WIDTH + 10, name) for place, name in enumerate(source.columns))
    else:
        yield from ((left + count * BYTE_WIDTH, str(count)) for count in range(0, last + 1, BYTES_A_TICK))


def _cells(begin: int, end: int, y: float, wide: int, left: int) -> str:
    """Return the outline of the cells: one per column, or one bar for equal bytes."""
    if wide == BYTE_WIDTH:
        return _cell(begin, end - begin + 1, y, wide, left)
    return "".join(_cell(place, 1, y, wide, left) for place in range(begin, end + 1))


def _cell(place: int, count: int, y: float, wide: int, left: int) -> str:
    width = count * wide - (1 if wide == COLUMN_WIDTH else 0)
    return f"M{left + place * wide} {y:g}h{width}v{CELL_HEIGHT}h-{width}z"


def _letters(
    row: MapRow, y: float, wide: int, left: int, signs: Sequence[Sign]
) -> Iterator[tuple[str, float, str, str]]:
    for sign in signs:
        if sign.tone in ("held", "none"):
            continue
        runs = [(begin, end) for begin, end, letter in row.runs if letter == sign.letter]
        centres = [left + x for begin, end in runs for x in _centres(begin, end, wide)]
        if centres:
            yield " ".join(f"{x:g}" for x in centres), y + 10, sign.letter * len(centres), sign.tone


def _centres(begin: int, end: int, wide: int) -> Iterator[float]:
    if wide == COLUMN_WIDTH:
        yield from (place * wide + (wide - 1) / 2 for place in range(begin, end + 1))
    else:
        yield (begin + end + 1) * wide / 2
