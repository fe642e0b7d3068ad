"""Lays out a run's timeline in pixels, for the SVG template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.checks.facts.exchanges import Exchange
from harness.history.events import Purpose
from harness.present.html.drawings.panels import Panel, panels_height, panels_of
from harness.present.html.runs.chronicle import Chronicle, Count, FaultWindow, Sent
from harness.present.scales import LatencyScale, TimeScale, milliseconds
from harness.results.text import shortened
from harness.vocabulary import CONFIRMED, REFUSED, THROTTLED, UNKNOWN

LEFT, RIGHT = 62, 926
STEPS_HEIGHT = 24
FAULT_HEIGHT = 22
PLOT_HEIGHT = 168
FLIGHT_HEIGHT = 34
COUNT_HEIGHT = 17
GAP = 14
PHASE_HEIGHT = 18
TICKS_HEIGHT = 18
STEP_ROOM = 18
CHARACTER = 6.1
"""The width of a small letter, on average."""
CODE_CHARACTER = 6.4
"""The width of every letter of a fault's name."""
TITLE_CHARACTERS = 200
LABEL_CHARACTERS = 90
COUNTED = ("connections", "busy connections", "checked_out")


@dataclass(frozen=True, slots=True)
class Point:
    """One request. `kind`: a, r or u; `judged`: the scenario's own."""

    kind: str
    judged: bool
    x: float
    y: float
    title: str

    @property
    def path(self) -> str:
        """Its shape: a disc, a diamond or a cross, so that colour is not needed."""
        return f"M{self.x:g} {self.y:g}{_SHAPES[self.kind, self.judged]}"


_SHAPES: Mapping[tuple[str, bool], str] = {
    ("a", True): "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    ("a", False): "m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0",
    ("r", True): "m0-4.4l4.4 4.4l-4.4 4.4l-4.4-4.4z",
    ("r", False): "m0-3l3 3l-3 3l-3-3z",
    ("u", True): "m-3.5-3.5l7 7m0-7l-7 7",
    ("u", False): "m-2.5-2.5l5 5m0-5l-5 5",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultBar:
    """A fault's row: its span, its name as far as there is room, the full name as a title, and its evidence."""

    x: float
    width: float
    y: float
    label: str
    title: str
    label_x: float
    anchor: str
    marks: Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class PhaseBand:
    """The bar of a phase below the plot, with its name if there is room."""

    x: float
    width: float
    name: str
    shown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """Connections and the like, at the moments at which they were counted."""

    y: float
    what: str
    dots: Sequence[tuple[float, str, bool]]
    """Each with its text, and whether it is over its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Everything to be drawn, by place."""

    height: float
    plot_top: float
    plot_bottom: float
    steps: Sequence[tuple[float, float, int]]
    """A number's place, the place of its moment, and the number."""
    faults: Sequence[FaultBar]
    points: Sequence[Point]
    tails: str
    """Lines from when a request was sent to when it ended, as one path."""
    deadline_y: float | None
    deadline: str
    healthy_y: float | None
    latency_ticks: Sequence[tuple[float, str]]
    time_ticks: Sequence[tuple[float, str]]
    flight: str
    flight_top: float
    flight_bottom: float
    flight_most: int
    panels: Sequence[Panel]
    shade_bottom: float
    """The faults' shade covers everything that goes along the axis."""
    counts: Sequence[CountRow]
    phases: Sequence[PhaseBand]
    phase_top: float
    titled: bool
    summary: str

    def merged(self, kind: str, *, judged: bool) -> str:
        """All points of one kind as one path."""
        return "".join(point.path for point in self.points if (point.kind, point.judged) == (kind, judged))


def zero_of(chronicle: Chronicle) -> float:
    """Return the zero of the time axis: the scenario's beginning."""
    return next((phase.from_s for phase in chronicle.phases if phase.name == "scenario"), 0.0)


def timeline_of(chronicle: Chronicle, *, titled: bool) -> Timeline | None:
    """Lay the drawing out; None if nothing was sent and no fault was injected.

    `titled`: each point has its request as a tooltip.
    """
    if not chronicle.requests and not chronicle.faults:
        return None
    scale = _scale(chronicle)
    took = [_took_ms(sent) for sent in chronicle.requests]
    plot_top = STEPS_HEIGHT + FAULT_HEIGHT * len(chronicle.faults) + 6
    plot_bottom = plot_top + PLOT_HEIGHT
    limits = [limit for limit in (chronicle.deadline_ms,) if limit and max(took, default=0) > limit / 20]
    latency = LatencyScale.over([*took, *limits], plot_top, plot_bottom)
    flight_top = plot_bottom + GAP
    flight_bottom = flight_top + FLIGHT_HEIGHT
    panels = panels_of(chronicle.lines, scale, flight_bottom + 5)
    shade_bottom = panels[-1].bottom if panels else flight_bottom
    counted = _counted(chronicle.counts)
    counts_top = flight_bottom + panels_height(panels) + (6 if counted else 0)
    phase_top = counts_top + COUNT_HEIGHT * len(counted) + 6
    most = max((waiting for _, waiting in chronicle.in_flight), default=0)
    return Timeline(
        height=phase_top + PHASE_HEIGHT + TICKS_HEIGHT,
        plot_top=plot_top,
        plot_bottom=plot_bottom,
        steps=list(_steps(chronicle, scale)),
        faults=[_bar(fault, row, chronicle, scale) for row, fault in enumerate(chronicle.faults)],
        points=[_point(sent, scale, latency) for sent in chronicle.requests],
        tails="".join(_tails(chronicle.requests, scale, latency)),
        deadline_y=latency.y(chronicle.deadline_ms) if limits and chronicle.deadline_ms else None,
        deadline=milliseconds(chronicle.deadline_ms or 0),
        healthy_y=latency.y(chronicle.healthy_ms) if chronicle.healthy_ms else None,
        latency_ticks=latency.ticks(),
        time_ticks=scale.ticks(zero_of(chronicle)),
        flight=_flight(chronicle.in_flight, most, scale, flight_top, flight_bottom),
        flight_top=flight_top,
        flight_bottom=flight_bottom,
        flight_most=most,
        panels=panels,
        shade_bottom=shade_bottom,
        counts=[_count_row(what, seen, counts_top, row, scale) for row, (what, seen) in enumerate(counted.items())],
        phases=[_band(name, scale.x(a), scale.x(b)) for name, a, b in _shown_phases(chronicle, scale)],
        phase_top=phase_top,
        titled=titled,
        summary=_summary(chronicle, panels),
    )


def _scale(chronicle: Chronicle) -> TimeScale:
    """Return a time axis without the service's start and end, when no request is sent to it."""
    begun = [sent.at_s for sent in chronicle.requests] + [fault.span.from_s for fault in chronicle.faults]
    ended = [sent.ended_s for sent in chronicle.requests] + [count.at_s for count in chronicle.counts]
    ended += [fault.span.to_s for fault in chronicle.faults if not ended]
    from_s, to_s = min(begun), max([*ended, min(begun) + 1e-3])
    margin = 0.01 * (to_s - from_s)
    return TimeScale(from_s - margin, to_s + margin, LEFT, RIGHT)


def _took_ms(sent: Sent) -> float:
    ended = sent.exchange.ended
    return ended.took_ms if ended else 1e3 * (sent.ended_s - sent.at_s)


def _kind(exchange: Exchange) -> str:
    """Whether it got an acknowledgement or the answer that it was owed, was refused for now, or anything else."""
    if exchange.outcome in REFUSED | THROTTLED:
        return "r"
    owed = CONFIRMED if exchange.sent.owed is None else CONFIRMED | exchange.sent.owed
    return "a" if exchange.outcome in owed and exchange.outcome != UNKNOWN else "u"


def _point(sent: Sent, scale: TimeScale, latency: LatencyScale) -> Point:
    exchange = sent.exchange
    return Point(
        kind=_kind(exchange),
        judged=exchange.sent.purpose == Purpose.SCENARIO,
        x=scale.x(sent.ended_s),
        y=latency.y(_took_ms(sent)),
        title=shortened(f"{exchange.name} ({exchange.sent.purpose}): {exchange.story()}", TITLE_CHARACTERS),
    )


def _tails(requests: Sequence[Sent], scale: TimeScale, latency: LatencyScale) -> Iterator[str]:
    drawn = {(scale.x(sent.at_s), scale.x(sent.ended_s), latency.y(_took_ms(sent))) for sent in requests}
    for begun, ended, y in sorted(drawn):
        if ended - begun > 6:  # shorter than a point is wide, so it would show nothing
            yield f"M{begun:g} {y:g}H{ended:g}"


def _steps(chronicle: Chronicle, scale: TimeScale) -> Iterator[tuple[float, float, int]]:
    """Place numbers side by side if their moments are too close together."""
    steps = [told for told in chronicle.story if told.kind == "step" and told.number]
    last: float = LEFT - STEP_ROOM
    for index, told in enumerate(steps):
        moment = scale.x(told.at_s)
        room = RIGHT - 8 - STEP_ROOM * (len(steps) - 1 - index)
        last = round(max(last + STEP_ROOM, min(moment, room)), 1)
        yield last, moment, told.number or 0


def _bar(fault: FaultWindow, row: int, chronicle: Chronicle, scale: TimeScale) -> FaultBar:
    x, end = scale.x(fault.span.from_s), scale.x(fault.span.to_s)
    width = max(round(end - x, 1), 2)
    # In the bar, behind it or before it: the first place with enough room, or else the largest.
    sides = (
        (width - 14, x + 7, "start"),
        (RIGHT - x - width - 9, x + width + 9, "start"),
        (x - 9 - LEFT, x - 9, "end"),
    )
    wanted = CODE_CHARACTER * len(shortened(fault.source, LABEL_CHARACTERS))
    fitting = [side for side in sides if side[0] >= wanted]
    room, label_x, anchor = fitting[0] if fitting else max(sides)
    # The layer, the kind and the place come first: they stay.
    label = shortened(fault.source, min(LABEL_CHARACTERS, max(1, int(room / CODE_CHARACTER))))
    marks = [(scale.x(mark.at_s), mark.text) for mark in chronicle.marks if mark.fault == fault.number]
    y = STEPS_HEIGHT + FAULT_HEIGHT * row
    return FaultBar(
        x=x, width=width, y=y, label=label, title=fault.source, label_x=round(label_x, 1), anchor=anchor, marks=marks
    )


def _flight(changes: Sequence[tuple[float, int]], most: int, scale: TimeScale, top: float, bottom: float) -> str:
    """An area with steps."""
    parts = [f"M{scale.left:g} {bottom:g}"]
    previous = 0
    for at_s, waiting in _last_at_each(changes, scale):
        y = round(bottom - (bottom - top) * waiting / (most or 1), 1)
        parts.append(f"H{at_s:g}V{y:g}")
        previous = waiting
    parts.append(f"H{scale.right:g}V{bottom:g}Z" if previous else f"V{bottom:g}Z")
    return "".join(parts)


def _last_at_each(changes: Sequence[tuple[float, int]], scale: TimeScale) -> Iterator[tuple[float, int]]:
    """The highest number at each place: many changes fall into one pixel."""
    places: dict[float, list[int]] = {}
    for at_s, waiting in changes:
        places.setdefault(round(scale.x(at_s)), []).append(waiting)
    for x, numbers in places.items():
        yield x, max(numbers)
        if numbers[-1] != max(numbers):
            yield x + 1, numbers[-1]


def _counted(counts: Sequence[Count]) -> Mapping[str, Sequence[Count]]:
    found: dict[str, list[Count]] = {}
    for count in counts:
        if count.what in COUNTED:
            found.setdefault(count.name, []).append(count)
    return found


def _count_row(what: str, seen: Sequence[Count], top: float, row: int, scale: TimeScale) -> CountRow:
    dots = [(scale.x(c.at_s), f"{c.seen:g} of at most {c.at_most:g}", not c.seen <= c.at_most) for c in seen]
    return CountRow(y=top + COUNT_HEIGHT * (row + 0.5), what=what.replace("_", " "), dots=dots)


def _shown_phases(chronicle: Chronicle, scale: TimeScale) -> Iterator[tuple[str, float, float]]:
    for phase in chronicle.phases:
        if phase.to_s > scale.from_s and phase.from_s < scale.to_s:
            yield phase.name, phase.from_s, phase.to_s


def _band(name: str, x: float, end: float) -> PhaseBand:
    width = round(end - x, 1)
    return PhaseBand(x, width, name, CHARACTER * len(name) + 6 <= width)


def _summary(chronicle: Chronicle, panels: Sequence[Panel]) -> str:
    """Describe the drawing, for readers who cannot see it."""
    outcomes = [str(sent.exchange.outcome) for sent in chronicle.requests]
    counts = ", ".join(f"{outcomes.count(each)} {each}" for each in dict.fromkeys(outcomes))
    faults = "; ".join(
        f"{fault.source} from {fault.span.from_s - zero_of(chronicle):.2f} s"
        f" to {fault.span.to_s - zero_of(chronicle):.2f} s"
        for fault in chronicle.faults
    )
    lines = "".join(f" {panel.title}: {'; '.join(line.title for line in panel.lines)}." for panel in panels)
    return f"Latency of {len(outcomes)} requests: {counts}. Faults: {faults or 'none'}.{lines}"
