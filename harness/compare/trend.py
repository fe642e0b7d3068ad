"""Follows scenarios over past runs: which got slower, and which change their verdict."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checks import Verdict
from harness.errors import UsageError
from harness.results.model import RunRead, SummaryRead
from harness.results.naming import summaries_in
from harness.results.reading import multiple, own_runs, read_summary

SCHEMA = "harness.trend/1"
SLOWER = 1.5
"""It is slower if the later half's median is this many times the earlier half's."""
SLACK_MS = 100.0
"""It must also be longer by this much, because a few milliseconds are not a trend."""
FEWEST = 4
"""How many runs of a scenario a trend in its times needs."""


@dataclass(frozen=True, slots=True)
class Point:
    """One run of one scenario. Multiples are of the run's own healthy answer."""

    run: str
    verdict: Verdict
    duration_ms: float
    worst_ms: float | None
    worst: float | None
    recovery_ms: float | None
    recovery: float | None

    @classmethod
    def of(cls, run: str, one: RunRead) -> Point:
        """Read it from a summary."""
        healthy, worst, recovery = (one.figure(name) for name in ("healthy_ms", "slowest_ms", "recovery_ms"))
        return cls(
            run, one.verdict, one.duration_s * 1e3, worst, multiple(worst, healthy), recovery,
            multiple(recovery, healthy),
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the fields by name."""
        return {
            "run": self.run, "verdict": self.verdict.value, "duration_ms": round(self.duration_ms, 1),
            "worst_ms": self.worst_ms, "recovery_ms": self.recovery_ms,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trend:
    """One scenario with its runs from old to new, and sentences on what changed."""

    id: str
    points: Sequence[Point]

    @property
    def changes(self) -> int:
        """How often the verdict differed from that of the run before."""
        verdicts = [point.verdict for point in self.points]
        return sum(1 for a, b in itertools.pairwise(verdicts) if a is not b)

    @property
    def flaky(self) -> str:
        """Say that verdicts vary; empty if they are equal or changed only once, which means broken or repaired."""
        if self.changes < 2:
            return ""
        verdicts = [point.verdict for point in self.points]
        counts = ", ".join(f"{verdicts.count(each)} {each}" for each in Verdict if each in verdicts)
        return f"{self.id} is flaky: {counts}; the verdict changed {self.changes} times in {len(verdicts)} runs"

    @property
    def turned(self) -> str:
        """If the verdict has changed once: say from which run on."""
        if self.changes != 1:
            return ""
        first = self.points[0].verdict
        then = next(point for point in self.points if point.verdict is not first)
        return f"{self.id} turned from {first} to {then.verdict} with {then.run}"

    @property
    def slower(self) -> Sequence[str]:
        """The times that have grown. An answer and a recovery must have grown as multiples too."""
        held = [point for point in self.points if point.verdict is Verdict.HELD]
        kinds: Sequence[tuple[str, Callable[[Point], float | None], Callable[[Point], float | None]]] = (
            ("the worst answer", lambda point: point.worst_ms, lambda point: point.worst),
            ("recovery", lambda point: point.recovery_ms, lambda point: point.recovery),
            ("the whole run", lambda point: point.duration_ms, lambda point: point.duration_ms),
        )
        return [
            f"{self.id} got slower: {what} took {was:.0f} ms, and takes {now:.0f} ms (medians of {len(held)} runs)"
            for what, time_ms, measure in kinds
            if (found := _grown(held, time_ms, measure)) is not None
            for was, now in (found,)
        ]

    @property
    def said(self) -> Sequence[str]:
        """All sentences on it."""
        return [sentence for sentence in (self.flaky, self.turned, *self.slower) if sentence]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the fields by name."""
        return {
            "id": self.id,
            "flaky": self.flaky,
            "turned": self.turned,
            "slower": list(self.slower),
            "runs": [point.to_json() for point in self.points],
        }


def _grown(
    points: Sequence[Point], time_ms: Callable[[Point], float | None], measure: Callable[[Point], float | None]
) -> tuple[float, float] | None:
    """Return the medians (ms) of the earlier and the later half; None if the later one is not clearly larger."""
    both = [(ms, measured) for point in points if (ms := time_ms(point)) and (measured := measure(point))]
    if len(both) < FEWEST:
        return None
    middle = len(both) // 2
    (was_ms, was), (now_ms, now) = _medians(both[:middle]), _medians(both[-middle:])
    if now > SLOWER * was and now_ms > SLOWER * was_ms and now_ms > was_ms + SLACK_MS:
        return was_ms, now_ms
    return None


def _medians(both: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(ms for ms, _ in both), statistics.median(measured for _, measured in both)


def trends(summaries: Sequence[SummaryRead]) -> Sequence[Trend]:
    """Return the trend of every scenario with the target's defaults, over the runs from old to new."""
    points: dict[str, list[Point]] = {}
    for summary in sorted(summaries, key=lambda each: each.run.started_at):
        for run in own_runs(summary):
            points.setdefault(run.id, []).append(Point.of(summary.run.id, run))
    return [Trend(name, found) for name, found in points.items()]


def of_one_kind(summaries: Sequence[SummaryRead], left_out: dict[str, str]) -> list[SummaryRead]:
    """Return runs with the last one's target and profile, and why others are left out: their times cannot compare."""
    if not summaries:
        return []
    newest = summaries[-1].run
    same: list[SummaryRead] = []
    for each in summaries:
        if (each.run.target, each.run.profile) == (newest.target, newest.profile):
            same.append(each)
        else:
            left_out[each.run.id] = f"of another kind: target {each.run.target}, profile {each.run.profile}"
    return same


def trends_json(found: Sequence[Trend], left_out: Mapping[str, str]) -> dict[str, Any]:
    """The whole trend."""
    return {"schema": SCHEMA, "scenarios": [each.to_json() for each in found], "left_out": dict(left_out)}


def kept_runs(results: Path, left_out: dict[str, str]) -> list[SummaryRead]:
    """Return all readable runs in the folder, except those of `harness run`, and what cannot be read."""
    if not results.is_dir():
        raise UsageError.at("--results", "folder", str(results), "there is no such folder", mend="run a gate first")
    found: list[SummaryRead] = []
    for path in summaries_in(results):
        try:
            found.append(read_summary(path))
        except UsageError as problem:
            left_out[path.parent.name] = problem.message
    return [each for each in found if not each.quick]
