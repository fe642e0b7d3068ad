"""Reads the earlier runs in the results folder: what was slower then, and what did not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.compare.trend import Trend, of_one_kind, trends
from harness.errors import UsageError
from harness.present.html.sentence import Headline, headline
from harness.results.folder import FILE, RUN_NAME
from harness.results.model import RunRead, SummaryRead
from harness.results.reading import read_summary

SHOWN_MAX = 12
TOLD_MAX = 40


@dataclass(frozen=True, slots=True)
class Before:
    """An earlier result of the same run. `slowest_ms`: the scenario's slowest answer."""

    run: str
    verdict: str
    slowest_ms: float | None
    recovery_ms: float | None


@dataclass(frozen=True, slots=True)
class PastRun:
    """One earlier run of the suite. `report`: whether it has its own report."""

    name: str
    summary: SummaryRead
    headline: Headline
    report: bool


@dataclass(frozen=True, slots=True)
class Past:
    """Earlier runs, oldest first. `unread`: folders among them whose summary could not be read, and why."""

    runs: Sequence[PastRun]
    unread: Sequence[str]
    trends: Sequence[Trend] = ()
    """A trend for every scenario, with this run, if there were others of the same target and profile."""

    @property
    def told(self) -> Sequence[Trend]:
        """Trends worth showing: the verdict has changed, or a time has grown."""
        return [trend for trend in self.trends if trend.said][:TOLD_MAX]

    def of(self, run: RunRead) -> Sequence[Before]:
        """The same scenario under the same profile, without the same protections."""
        return [_before(past.name, found) for past in self.runs for found in past.summary.runs if found.key == run.key]


def past_of(folder: Path, report_file: str, summary: SummaryRead) -> Past:
    """Look for complete, earlier runs in the folder that contains `folder`, if that looks like a results folder.

    Runs of `harness run` are left out. `summary`: of the run itself.
    """
    here = folder.resolve()
    runs: list[PastRun] = []
    unread: list[str] = []
    for path in _newest_first(here):
        if len(runs) == SHOWN_MAX:  # a gate's summary takes some tenths of a second to read
            break
        try:
            earlier = read_summary(path / FILE, place=path.name)
        except UsageError as problem:
            unread.append(problem.message)
            continue
        if earlier.complete and earlier.runs and not earlier.quick:
            runs.append(PastRun(path.name, earlier, headline(earlier), (path / report_file).exists()))
    shown = runs[::-1]
    same = of_one_kind([*(past.summary for past in shown), summary], {})
    return Past(shown, unread[::-1], trends(same) if len(same) > 1 else ())


def _newest_first(here: Path) -> Iterator[Path]:
    if not RUN_NAME.fullmatch(here.name):
        return
    for path in sorted(here.parent.iterdir(), reverse=True):
        if RUN_NAME.fullmatch(path.name) and path.name < here.name and (path / FILE).exists():
            yield path


def _before(name: str, run: RunRead) -> Before:
    figures: Mapping[str, float | None] = run.figures
    return Before(name, run.verdict, figures.get("slowest_ms"), figures.get("recovery_ms"))
