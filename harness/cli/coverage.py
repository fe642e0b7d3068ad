"""`harness coverage`: which points of the fault space were hit and judged, and what nobody has tried."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from harness.cli.chosen import Chosen, choose
from harness.cli.options import OUTPUT, STACK, WHAT, WHERE, Output, options, output_of, settings_of
from harness.cli.search_stage import SearchStage, search_stage
from harness.engine.laying.testbed import Testbed
from harness.present.looks import BAD, BOLD, DIM, DOUBT
from harness.present.terminal.lines import Line
from harness.present.terminal.screen import Verbosity
from harness.results.reading import SummaryRead
from harness.results.revision import revision_of
from harness.results.text import one_line
from harness.search.recording.places import Point
from harness.search.recording.recording import Recording
from harness.search.space.coverage import (
    Coverage,
    Subject,
    coverage_of,
    hit_by_summary,
    hit_by_sweep,
    newest_gate,
    newest_sweep,
)
from harness.search.space.space import DEFAULT_FLOOR_PERCENT, FILE, Changes, FaultSpace, changes, read_space, space_of
from harness.search.space.swept import Swept
from harness.search.sweep.results import CellResult
from harness.search.sweep.sweeper import SweepSettings, sweeping
from harness.suite import ExitStatus, SuiteSettings
from harness.target import Target

SHOWN = 40
"""Points listed, unless asked for more with -v."""
_WHAT = tuple(option for option in WHAT if option is not WHAT[-1])  # nothing here is unavailable, so nothing is strict
UPDATE = (
    click.option("--update", is_flag=True, help="Write the committed file anew; its floor stays."),
    click.option("--floor", type=click.FloatRange(0, 100), metavar="PERCENT", help="With --update: the new floor."),
)


@click.command()
@options(UPDATE, _WHAT, WHERE, STACK, OUTPUT)
def coverage(*, update: bool, floor: float | None, **given: Any) -> ExitStatus:
    """Record the service's deliveries, and compare their fault space with the committed one.

    What the newest whole gate of the same target, profile and protections, and the newest whole sweep of
    the same and of this commit, in the results folder, hit and judged is marked; the rest is listed.

    Exit status: 0 the space is as committed, and its floor is reached, or there is no whole gate to tell;
    1 it is not; 3 the harness broke; 4 usage or configuration.
    """
    output, settings = output_of(given), settings_of(given)
    path = settings.scenarios / FILE
    committed = read_space(path) if path.exists() or not update else FaultSpace({}, DEFAULT_FLOOR_PERCENT)
    suite = choose(settings, ())
    target = suite.target
    subject = Subject(
        target=str(settings.target_file), profile=suite.profile, without=settings.without,
        revision=revision_of(settings.scenarios, settings.results),
    )  # fmt: skip
    past = _past(suite, subject)
    with TemporaryDirectory(prefix="harness-coverage-") as folder, _stage(settings, target, output, folder) as stage:
        with stage.servers() as bed:
            recordings = asyncio.run(_recorded(bed, stage))
        recorded = space_of(recordings, floor_percent=committed.floor_percent if floor is None else floor)
        changed = changes(committed, recorded)
        if update:
            recorded.write(path)
        space = recorded if update else committed
        found = coverage_of(space, past.hit(space))
        everything = output.verbosity >= Verbosity.VERBOSE
        stage.screen.write_all(_lines(found, changed, path, update=update, everything=everything))
        stage.screen.write_all(_judged(found, past))
    if output.as_json:
        sys.stdout.write(json.dumps({**_as_json(found, changed), **past.to_json()}, indent=1) + "\n")
    wrong = bool(past.gate and found.below_floor) or (bool(changed) and not update)
    return ExitStatus.FAILED if wrong else ExitStatus.HELD


def _stage(settings: SuiteSettings, target: Target, output: Output, folder: str) -> AbstractContextManager[SearchStage]:
    """Nothing of a recording is worth keeping: a folder of its own would only push older results out."""
    return search_stage(dataclasses.replace(settings, results=Path(folder)), target, output)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """The runs whose hits count. `links`: the protocol of each, by name. `unread`: what cannot be read, and why."""

    gate: SummaryRead | None
    sweep: Swept | None
    links: Mapping[str, str]
    unread: Sequence[str]

    def hit(self, space: FaultSpace) -> set[Point]:
        found = set(hit_by_sweep(self.sweep.sweep)) if self.sweep else set()
        return found | (hit_by_summary(space, self.gate, self.links) if self.gate else set())

    def to_json(self) -> dict[str, Any]:
        """The names of both."""
        return {
            "gate": self.gate.run.id if self.gate else None,
            "sweep": self.sweep.folder.name if self.sweep else None,
        }


def _past(suite: Chosen, subject: Subject) -> _Past:
    unread: list[str] = []
    results, ids = suite.settings.results, [scenario.id for scenario in suite.scenarios]
    return _Past(
        gate=newest_gate(results, ids, subject, unread),
        sweep=newest_sweep(results, subject, unread),
        links={name: link.protocol for name, link in suite.target.description.links.items()},
        unread=unread,
    )


async def _recorded(bed: Testbed, stage: SearchStage) -> Sequence[Recording]:
    settings = SweepSettings(lane=stage.lane, lanes=1, repro=str, told=_nobody)
    async with sweeping(bed, settings) as sweeper:
        stage.screen.progress("recording what a delivery puts on the wire")
        return await sweeper.record()


def _nobody(result: CellResult) -> None:
    """Nothing is swept."""


def _lines(found: Coverage, changed: Changes, path: Path, *, update: bool, everything: bool) -> Iterator[Line]:
    style = DIM if update else BAD
    for word, points in (("new", changed.new), ("gone", changed.gone)):
        yield from _listed(f"{word} points", [str(point) for point in points], style, everything=everything)
    if changed.exclusions:
        yield [("the exclusions have changed", style)]
    if changed:
        yield [(f"written: {path}" if update else f"{path} is out of date: run `harness coverage --update`", style)]
    yield from _listed("nobody has tried", [str(point) for point in found.untried], "", everything=everything)
    for protocol, counts in found.to_json()["by_protocol"].items():
        yield [(f"{protocol}: {counts['hit']} of {counts['points']}", "")]
    yield [(f"{len(found.hit)} of {len(found.space.points)} points hit and judged: {found.percent:.1f}%", BOLD)]


def _judged(found: Coverage, past: _Past) -> Iterator[Line]:
    """By which runs, and whether that is too little."""
    for sentence in past.unread:
        yield [(one_line(sentence), DOUBT)]
    sweep = f"sweep {past.sweep.folder.name}" if past.sweep else "no whole sweep of this commit"
    if past.gate is None:
        yield [(f"no whole gate here, so the floor is not judged: run `harness gate`; {sweep}", DOUBT)]
        return
    yield [(f"by gate {past.gate.run.id}; {sweep}", DIM)]
    if found.below_floor:
        yield [(found.below_floor, BAD)]


def _listed(title: str, lines: Sequence[str], style: str, *, everything: bool) -> Iterator[Line]:
    if not lines:
        return
    yield [(f"{title}: {len(lines)}", style or BOLD)]
    shown = lines if everything else lines[:SHOWN]
    yield from ([(f"  {line}", style)] for line in shown)
    if len(shown) < len(lines):
        yield [(f"  and {len(lines) - len(shown)} more: -v lists all", DIM)]


def _as_json(found: Coverage, changed: Changes) -> dict[str, Any]:
    return {
        "coverage": found.to_json(),
        "new": [str(point) for point in changed.new],
        "gone": [str(point) for point in changed.gone],
        "untried": [str(point) for point in found.untried],
    }


__all__ = ["coverage"]
