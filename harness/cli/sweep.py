"""`harness sweep`: breaks a delivery at every message and every byte, and shows a map of what held."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import click
import uvloop

from harness.cli.options import OUTPUT, STACK, WHAT, WHERE, options, output_of, settings_of
from harness.cli.search_stage import SearchStage, finished, search_stage
from harness.engine.laying.testbed import Testbed
from harness.errors import UsageError
from harness.present.looks import BAD, BOLD, DIM, DOUBT, look
from harness.present.maps.sweep_page import write_page
from harness.present.terminal.lines import Line
from harness.present.terminal.sweep_map import map_lines
from harness.results.text import one_line
from harness.search.recording.places import KINDS, CellId, Kind
from harness.search.recording.recording import Recording
from harness.search.sweep.plan import RETRY, Choice, check_choice, planned
from harness.search.sweep.report import HTML_FILE, JSON_FILE, SweepReport, judged_a_second
from harness.search.sweep.results import CellResult, CellVerdict, LaneProblem, RowOfMap, SweepResults
from harness.search.sweep.sweeper import Sweeper, SweepSettings, sweeping
from harness.suite import ExitStatus
from harness.suite.settings import names_given
from harness.target import load_target

LANES = 8
"""Most of a cell is waiting: for a pause before a retry, for a time-out. Two cores keep so many busy."""
LANES_MAX = 16
"""As many as there are Redis databases."""
ID = "{id}"
TOLD_MAX = 20
"""Cells that did not hold are told at once, up to so many; the map and the files have all."""

_WHAT = tuple(option for option in WHAT if option is not WHAT[-1])  # nothing here is unavailable, so nothing is strict
SWEEP = (
    click.option("--lanes", type=click.IntRange(1, LANES_MAX), default=LANES, show_default=True, metavar="N",
                 help="Services that are swept at once."),
    click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only this kind of delivery."),
    click.option("--actions", multiple=True, metavar="ACTION",
                 help="Only these. Repeatable, or separated by commas; cut@N is the byte map."),
    click.option("--only", default="", metavar="TEXT", help="A cell's id, or a part of ids."),
    click.option("--bytes/--no-bytes", "with_bytes", default=True, show_default=True, help="Cut after every byte."),
    click.option("--pairs", is_flag=True, help="Two faults: the second in the delivery's retry."),
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many cells, chosen by the seed."),
)  # fmt: skip


@click.command()
@options(SWEEP, _WHAT, WHERE, STACK, OUTPUT)
def sweep(
    *, lanes: int, kinds: Sequence[Kind], actions: Sequence[str], only: str, with_bytes: bool, pairs: bool,
    limit: int | None, **given: Any,
) -> ExitStatus:  # fmt: skip
    """Break a delivery at every message, in every way that makes sense there, and after every byte.

    What was acknowledged must be stored once, and nothing else be claimed; the service must come
    back. Results: sweep.json, sweep.html and the histories, in the run's folder.

    Exit status: 0 all held; 1 something failed; 2 interrupted; 3 inconclusive, or the harness broke;
    4 usage or configuration; 5 nothing ran.
    """
    output, settings = output_of(given), settings_of(given)
    choice = Choice(
        kinds=tuple(kinds), actions=names_given(actions), only=only, with_bytes=with_bytes, pairs=pairs,
        limit=limit, seed=settings.seed,
    )  # fmt: skip
    check_choice(choice)
    with search_stage(settings, load_target(settings.target_file), output) as stage:
        one = _Sweep(stage, choice, lanes)
        status = finished(stage, one.play, one.write)
        stage.screen.write_all(one.closing())
        if output.as_json:
            sys.stdout.write((stage.folder.path / JSON_FILE).read_text("utf-8"))
    return status


class _Sweep:
    """One sweep under way."""

    def __init__(self, stage: SearchStage, choice: Choice, lanes: int) -> None:
        self._stage = stage
        self._choice = choice
        self._lanes = lanes
        self._results = SweepResults()
        self._sweeper: Sweeper | None = None
        self._told = 0
        self._began = time.monotonic()

    def play(self) -> ExitStatus:
        with self._stage.servers() as bed, asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            loop.run(self._go(bed))
        return status_of(self._results)

    async def _go(self, bed: Testbed) -> None:
        stage, results = self._stage, self._results
        settings = SweepSettings(
            lane=stage.lane, lanes=self._lanes, repro=self._repro, told=self._tell, ready=self._ready
        )
        async with sweeping(bed, settings) as sweeper:
            self._sweeper = sweeper
            stage.screen.progress("recording what a delivery puts on the wire")
            recordings = await sweeper.record(kinds_needed(self._choice))
            plan = planned(recordings, self._choice)
            results.rows = rows_of(recordings)
            results.planned, results.left_out = len(plan.cells), plan.left_out
            stage.screen.progress(f"sweeping {len(plan.cells)} cells")
            try:
                await sweeper.sweep(plan.cells, {each.kind: each for each in recordings})
            finally:
                results.sweeping_s = time.monotonic() - self._began
                order = {cell: number for number, cell in enumerate(plan.cells)}
                results.cells.sort(key=lambda each: order[each.cell])
                results.problems += sweeper.problems

    def _ready(self) -> None:
        self._began = time.monotonic()

    def _repro(self, cell: CellId) -> str:
        pairs = ("--pairs",) if cell.second is not None else ()
        return self._stage.line("sweep", *pairs, "--only", str(cell))

    def _tell(self, result: CellResult) -> None:
        self._results.cells.append(result)
        style = {CellVerdict.FAILED: BAD, CellVerdict.INCONCLUSIVE: DOUBT}.get(result.verdict)
        if style is None or self._told >= TOLD_MAX:
            return
        self._told += 1
        self._stage.screen.write_all(story_of(result, style))

    def write(self, complete: bool, status: ExitStatus) -> None:  # called by `finished` alone
        words = self._stage.line("sweep", *(("--pairs",) if self._choice.pairs else ()), "--only", ID)
        report = SweepReport(
            info=self._stage.info, results=self._results, repro=words.replace(f"'{ID}'", ID), complete=complete,
            stories=self._sweeper.stories if self._sweeper else {}, exit_status=int(status),
            without=self._stage.settings.without, part=self._choice.part,
        )  # fmt: skip
        report.write(self._stage.folder.path)
        write_page(report, self._stage.folder.path)

    def closing(self) -> Iterator[Line]:
        """The map, the counts, the speed, and where the results are."""
        results = self._results
        yield from map_lines(results)
        for problem in results.problems:
            yield problem_line(problem)
        counts = ", ".join(f"{count} {verdict}" for verdict, count in results.counts.items() if count)
        speed = f" in {results.sweeping_s:.1f} s: {judged_a_second(results):g} a second"
        yield [(counts or "nothing ran", BOLD), (speed, "")]
        for sentence in results.left_out:
            yield [(f"left out: {sentence}", DIM)]
        if len(results.cells) < results.planned:
            yield [(f"incomplete: {results.planned - len(results.cells)} cells were not tried", DOUBT)]
        yield [(f"results: {self._stage.folder.shown}/{HTML_FILE}", "")]


def status_of(results: SweepResults) -> ExitStatus:
    """As the gate's. What is judged apart is told, and fails nothing; UNMET alone proves nothing."""
    if CellVerdict.FAILED in results.verdicts:
        return ExitStatus.FAILED
    if CellVerdict.INCONCLUSIVE in results.verdicts:
        return ExitStatus.INCONCLUSIVE
    if not results.cells:
        return ExitStatus.NOTHING_RAN
    return ExitStatus.INCONCLUSIVE if results.verdicts == {CellVerdict.UNMET} else ExitStatus.HELD


def kinds_needed(choice: Choice) -> Sequence[Kind]:
    """The kinds of delivery to record: none is all of them."""
    if choice.only:
        try:
            cell = CellId.parse(choice.only)
        except UsageError:
            pass  # a part of an id: it may be of any kind
        else:
            return [cell.kind, RETRY] if cell.second is not None else [cell.kind]
    return () if choice.pairs else choice.kinds


def rows_of(recordings: Sequence[Recording]) -> Sequence[RowOfMap]:
    """The rows of the maps, in the order in which the messages pass."""
    return [RowOfMap(each.kind, str(message.place), message.length) for each in recordings for message in each.messages]


def story_of(result: CellResult, style: str) -> Iterator[Line]:
    """What there is to say of a cell that did not hold."""
    yield [(f"{look(result.verdict).letter} {result.verdict:13}", style), (one_line(str(result.cell)), BOLD)]
    yield [("    why    ", DIM), (one_line(result.reason), style)]
    for seen in result.evidence:
        yield [("    seen   ", DIM), (one_line(seen), "")]
    yield [("    answer ", DIM), (one_line(result.answer), "")]
    yield [("    repro", DIM)]
    yield [(result.repro, BOLD)]


def problem_line(problem: LaneProblem) -> Line:
    """One line for what no cell is to blame for."""
    looks = look(problem.verdict)
    return [(f"{looks.letter} lane {problem.lane}: {one_line(problem.reason)}", looks.style)]


__all__ = ["kinds_needed", "rows_of", "status_of", "sweep"]
