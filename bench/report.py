"""The result of a benchmark, as a table and as JSON."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.arms import Arm, Rounds
from bench.statistics import Interval, median_interval, ratios, scatter, shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a table. `ratio`: to the base, or a share of it; `median`: in the table's unit."""

    name: str
    ratio: Interval
    median: float
    scatter: float
    control: bool = False
    beyond_control: bool | None = None
    """Whether the interval does not overlap the control's; None if there is nothing to compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`relation` heads the first column of figures, `unit` the second."""

    title: str
    relation: str
    unit: str
    rounds: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One benchmark's result."""

    name: str
    command: str
    date: str
    versions: Mapping[str, str]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    machine: str = field(default_factory=lambda: f"{platform.machine()}, {os.cpu_count()} cores, {platform.release()}")
    load_average: float = field(default_factory=lambda: round(os.getloadavg()[0], 2))
    """The load average of the last minute, at the end; it includes the benchmark's own load."""

    def json(self) -> str:
        """Everything, as one JSON document."""
        return json.dumps({"schema": "bench.report/1", **dataclasses.asdict(self)}, indent=2)

    def text(self) -> str:
        """Everything, as text; ratios first."""
        head = [
            f"{self.name}   {self.date}   {self.command}",
            f"{self.machine}; load average {self.load_average:g}",
            ", ".join(f"{name} {version}" for name, version in self.versions.items()),
        ]
        return "\n\n".join(["\n".join(head), *(_text(table) for table in self.tables), "\n".join(self.notes)])


Step = tuple[str, str | None, str]
"""A step's name, the arm before it (None for the first), and the arm with it."""


def comparison(title: str, figure: str, unit: str, *, rounds: Rounds, arms: Sequence[Arm]) -> Table:
    """Compare every arm with the first, round by round."""
    base, *others = arms
    under = rounds.of(base.name, figure)
    found = {arm.name: median_interval(ratios(rounds.of(arm.name, figure), under)) for arm in others}
    noise = next((found[arm.name] for arm in others if arm.control), None)
    first = Line(name=base.name, ratio=Interval(1, 1, 1, 1), median=statistics.median(under), scatter=scatter(under))
    lines = [first]
    for arm in others:
        values = rounds.of(arm.name, figure)
        lines.append(
            Line(
                name=arm.name,
                ratio=found[arm.name],
                median=statistics.median(values),
                scatter=scatter(values),
                control=arm.control,
                beyond_control=None if arm.control or noise is None else found[arm.name].apart_from(noise),
            )
        )
    return Table(title=title, relation=f"to {base.name}", unit=unit, rounds=rounds.number, lines=tuple(lines))


def ladder(title: str, figure: str, unit: str, *, rounds: Rounds, steps: Sequence[Step]) -> Table:
    """Report what each step adds, as a share of the last step's arm.

    The last column is the share times that arm's median: what the step adds at that speed of the machine.
    """
    whole = rounds.of(steps[-1][2], figure)
    lines = []
    for name, before, after in steps:
        earlier = [0.0] * len(whole) if before is None else rounds.of(before, figure)
        added = shares(rounds.of(after, figure), earlier, whole)
        share = median_interval(added)
        median = share.median * statistics.median(whole)
        lines.append(Line(name=name, ratio=share, median=median, scatter=abs(scatter(added))))
    relation = f"share of {steps[-1][2]}"
    return Table(title=title, relation=relation, unit=unit, rounds=rounds.number, lines=tuple(lines))


def split(title: str, unit: str, parts: Mapping[str, Sequence[float]]) -> Table:
    """Report each part's share of the whole, which is the sum of all parts of a run."""
    whole = [sum(values) for values in zip(*parts.values(), strict=True)]
    lines = [
        Line(
            name=name,
            ratio=median_interval(ratios(values, whole)),
            median=statistics.median(values),
            scatter=scatter(values),
        )
        for name, values in {**parts, "all": whole}.items()
    ]
    return Table(title=title, relation="share of all", unit=unit, rounds=len(whole), lines=tuple(lines))


def _text(table: Table) -> str:
    confidence = min(line.ratio.confidence for line in table.lines)
    width = max(len(line.name) for line in table.lines)
    head = f"  {'':{width}}  {table.relation:>28}   {'median, ' + table.unit:>20}  scatter"
    told = f"{table.title} ({table.rounds} rounds, intervals at {confidence:.0%})"
    return "\n".join([told, head, *(_row(line, width) for line in table.lines)])


def _row(line: Line, width: int) -> str:
    ratio = f"{line.ratio.median:.3f} [{line.ratio.low:.3f}, {line.ratio.high:.3f}]"
    told = "  A/A" if line.control else "  (not beyond A/A)" if line.beyond_control is False else ""
    return f"  {line.name:{width}}  {ratio:>28}   {line.median:>20.1f}  {line.scatter:6.1%}{told}"
