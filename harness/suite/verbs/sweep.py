"""Breaks a delivery at every message and every byte."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import uvloop

from harness.engine.laying.testbed import Testbed
from harness.errors import UsageError
from harness.exit_status import ExitStatus
from harness.search.recording.places import CellId, Kind
from harness.search.recording.recording import Recording
from harness.search.sweep.plan import RETRY, Choice, planned
from harness.search.sweep.report import SweepReport
from harness.search.sweep.results import CellResult, CellVerdict, RowOfMap, SweepResults
from harness.search.sweep.sweeper import Sweeper, SweepSettings, sweeping
from harness.suite.verbs.search import Search

ID = "{id}"


class Sweep:
    """A running sweep. `judged` is called with each cell."""

    def __init__(self, search: Search, choice: Choice, lanes: int, judged: Callable[[CellResult], object]) -> None:
        self._search = search
        self._choice = choice
        self._lanes = lanes
        self._judged = judged
        self._sweeper: Sweeper | None = None
        self._began = time.monotonic()
        self.results = SweepResults()

    def play(self) -> ExitStatus:
        """Sweep. Return the exit status."""
        with self._search.servers() as bed, asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            loop.run(self._go(bed))
        return sweep_status(self.results)

    def report(self, *, complete: bool, status: ExitStatus) -> SweepReport:
        """Return the report of the sweep, finished or not. A sweep that left out a planned cell is not complete."""
        words = self._search.line("sweep", *(("--pairs",) if self._choice.pairs else ()), "--only", ID)
        return SweepReport(
            info=self._search.info, results=self.results, repro=words.replace(f"'{ID}'", ID),
            complete=complete and not self.results.untried, exit_status=int(status),
            stories=self._sweeper.stories if self._sweeper else {},
            without=self._search.settings.without, part=self._choice.part,
        )  # fmt: skip

    async def _go(self, bed: Testbed) -> None:
        search, results = self._search, self.results
        settings = SweepSettings(
            run=search.run, lanes=self._lanes, repro=self._repro, told=self._tell, ready=self._ready
        )
        async with sweeping(bed, settings) as sweeper:
            self._sweeper = sweeper
            search.progress("recording what a delivery puts on the wire")
            recordings = await sweeper.record(kinds_needed(self._choice))
            if not recordings:
                results.problems += sweeper.problems
                return
            plan = planned(recordings, self._choice)
            results.rows = rows_of(recordings)
            results.planned, results.left_out = len(plan.cells), plan.left_out
            search.progress(f"sweeping {len(plan.cells)} cells")
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
        return self._search.line("sweep", *pairs, "--only", str(cell))

    def _tell(self, result: CellResult) -> None:
        self.results.cells.append(result)
        self._judged(result)


def kinds_needed(choice: Choice) -> Sequence[Kind]:
    """The kinds of delivery to record. Empty: all."""
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
    return [RowOfMap(each.kind, message.place, message.length) for each in recordings for message in each.messages]


def sweep_status(results: SweepResults) -> ExitStatus:
    """Return the status of a sweep, ranked like the gate's.

    Cells that are judged separately never fail it. UNMET alone proves nothing. A planned cell without a result is
    inconclusive.
    """
    if CellVerdict.FAILED in results.verdicts:
        return ExitStatus.FAILED
    if CellVerdict.INCONCLUSIVE in results.verdicts:
        return ExitStatus.INCONCLUSIVE
    if not results.cells:
        return ExitStatus.NOTHING_RAN
    doubtful = results.untried or results.verdicts == {CellVerdict.UNMET}
    return ExitStatus.INCONCLUSIVE if doubtful else ExitStatus.HELD
