"""Draws connections over time: a panel per link and one for the pool, on the timeline's axis."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.present.html.runs.chronicle import LOAD, CountLine
from harness.present.scales import TimeScale

KEY_HEIGHT = 18
PLOT_HEIGHT = 26
GAP = 7
STYLES = 4
"""How many kinds of line a reader can distinguish without colour. A panel shows no more."""
NUDGE = 2
"""Pixels that each line lies above the one before it: equal numbers stay apart."""
SAMPLE = 18
"""Length of the sample of a line, beside its name."""
CHARACTER = 5.9
SERVICE = "service"
TITLES: Mapping[str, str] = {SERVICE: "{of}, by the service's word", LOAD: "{of}, requests a second"}
"""The title of a `CountLine`'s panel, by the line's source. Others count connections to a link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """One number over time. `style`: from 0, an index of STYLES. `key_x`: where its sample in the legend is drawn."""

    path: str
    style: int
    words: str
    title: str
    key_x: float

    @property
    def words_x(self) -> float:
        """The x position of its name in the legend."""
        return self.key_x + SAMPLE + 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Lines of one thing, from 0 to `most`."""

    title: str
    top: float
    bottom: float
    most: str
    lines: Sequence[StepLine]

    @property
    def key_y(self) -> float:
        """The base line of the title and the names."""
        return self.top - 7


def panels_of(lines: Sequence[CountLine], scale: TimeScale, top: float) -> Sequence[Panel]:
    """Lay the panels out below `top`, one below the other: first the links, in the order in which they were counted."""
    found: dict[tuple[str, str, str], list[CountLine]] = {}
    for line in sorted(lines, key=lambda line: line.source == SERVICE):
        found.setdefault((line.of, line.source, line.problem), []).append(line)
    step = KEY_HEIGHT + PLOT_HEIGHT + GAP
    return [
        _panel(_title(*key) + _left_out(each), _worth_showing(each)[:STYLES], scale, top + step * place + KEY_HEIGHT)
        for place, (key, each) in enumerate(found.items())
    ]


def panels_height(panels: Sequence[Panel]) -> float:
    """The total height, with the gaps between and below the panels."""
    return len(panels) * (KEY_HEIGHT + PLOT_HEIGHT + GAP)


def _worth_showing(lines: Sequence[CountLine]) -> Sequence[CountLine]:
    """The first line, and each line that was ever above 0."""
    return [line for place, line in enumerate(lines) if place == 0 or line.most > 0]


def _left_out(lines: Sequence[CountLine]) -> str:
    """The part of a panel's title about lines for which there is no style left."""
    names = [line.what for line in _worth_showing(lines)[STYLES:]]
    return f" (not drawn: {', '.join(names)})" if names else ""


def _title(of: str, source: str, problem: str) -> str:
    """What a panel shows, and why it has no numbers, if it has none."""
    title = TITLES.get(source, "connections to {of}").format(of=of)
    return f"{title}: {problem}" if problem else title


def _panel(title: str, lines: Sequence[CountLine], scale: TimeScale, top: float) -> Panel:
    most, bottom = max(line.most for line in lines), top + PLOT_HEIGHT
    drawn: list[StepLine] = []
    key_x = scale.left + CHARACTER * len(title) + 16
    for style, line in enumerate(lines):
        words = line.what
        path = "".join(_steps(line.points, scale, top - NUDGE * style, bottom - NUDGE * style, most))
        drawn.append(
            StepLine(path=path, style=style, words=words, title=f"{words}: {told(line)}", key_x=round(key_x, 1))
        )
        key_x += SAMPLE + CHARACTER * len(words) + 18
    return Panel(title=title, top=top, bottom=bottom, most=f"{most:g}", lines=drawn)


def told(line: CountLine) -> str:
    """Return a line in words: `0, at most 15, 5 at the end`."""
    if all(seen is None for _, seen in line.points):
        return "unknown"
    (_, first), (_, last) = line.points[0], line.points[-1]
    return f"{_number(first)}, at most {line.most:g}, {_number(last)} at the end"


def _number(seen: float | None) -> str:
    return "unknown" if seen is None else f"{seen:g}"


def _steps(
    points: Sequence[tuple[float, float | None]], scale: TimeScale, top: float, bottom: float, most: float
) -> Iterator[str]:
    """Draw a line with steps, and a gap where the number is unknown."""
    open_, last_x = False, scale.left
    for x, seen in _one_a_place(points, scale):
        if open_ and x != last_x:
            yield f"H{x:g}"
        last_x = x
        if seen is None:
            open_ = False
            continue
        y = round(bottom - (bottom - top) * seen / (most or 1), 1)
        yield f"V{y:g}" if open_ else f"M{x:g} {y:g}"
        open_ = True


def _one_a_place(
    points: Sequence[tuple[float, float | None]], scale: TimeScale
) -> Iterator[tuple[float, float | None]]:
    """Of several changes in one pixel, keep the lowest, the highest and the last: a short peak becomes a stroke."""
    places: dict[float, list[float | None]] = {}
    for at_s, seen in points:
        places.setdefault(round(scale.x(at_s)), []).append(seen)
    for x, numbers in places.items():
        known = [n for n in numbers if n is not None]
        drawn = [min(known), max(known), numbers[-1]] if len(numbers) > 1 and known else numbers[-1:]
        yield from ((x, seen) for seen, _ in itertools.groupby(drawn))
