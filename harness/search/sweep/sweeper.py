"""Runs the lanes of a sweep at the same time. Each takes batches of cells until all are tried."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.engine.configuration import RunConfiguration, run_began
from harness.engine.laying.testbed import Testbed
from harness.engine.phases.rest import held_at_first
from harness.engine.tasks import at_once
from harness.errors import HarnessError
from harness.relay import RelayControl
from harness.search.recording.deliveries import kinds_of, record_all
from harness.search.recording.places import CellId, Kind
from harness.search.recording.recording import Recording
from harness.search.sweep.batch import read_rows, record_log, send_again
from harness.search.sweep.cells.arming import Armoury
from harness.search.sweep.cells.histories import HistoryFile, story
from harness.search.sweep.cells.judging import judged
from harness.search.sweep.cells.trial import Trial
from harness.search.sweep.cells.trials import Trials
from harness.search.sweep.growth import Growth
from harness.search.sweep.lane import EndedError, Lane, opened
from harness.search.sweep.lane_rest import problems_at_rest
from harness.search.sweep.results import NOTABLE, CellResult, CellVerdict, LaneProblem
from harness.stack.service.start import ServiceStartError
from harness.target import Delivery

BATCH_MAX = 40
"""Cells that one query judges."""
STORIES_MAX = 500
"""Histories that are kept for the page; the files have all."""
BATCHES_A_LANE = 4
"""The minimum number of batches per lane, if there are enough cells, so that the lanes end at about the same time."""
TRIES = 3
"""How often a cell is tried if its fault did not strike: on a busy machine a short time-out may pass first."""

Repro = Callable[[CellId], str]
Told = Callable[[CellResult], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings:
    """How to sweep. `repro`: writes the line that repeats a cell. `told`: called with each result at once.

    `ready`: called when all lanes are open, before the first fault.
    """

    run: RunConfiguration
    lanes: int
    repro: Repro
    told: Told
    ready: Callable[[], None] = lambda: None


class Sweeper:
    """The first lane records; then all of them sweep. Made by `sweeping`."""

    def __init__(self, bed: Testbed, relay: RelayControl, first: Lane, settings: SweepSettings) -> None:
        self._bed = bed
        self._relay = relay
        self._first = first
        self._settings = settings
        self.problems: list[LaneProblem] = []
        self.stories: dict[str, str] = {}
        """Histories of the cells that did not hold, by the cell's id."""

    async def record(self, kinds: Sequence[Kind] = ()) -> Sequence[Recording]:
        """Record these kinds of delivery; by default all.

        If the service ends when its connections are cut, it has failed, and nothing can be recorded: `problems` then
        says so, and no recording is returned.
        """
        known = kinds_of(self._first)
        try:
            return await record_all(self._first, [kind for kind in known if not kinds or kind in kinds])
        except EndedError as problem:
            reason = f"alive: {problem.message}, when its connections to its servers were cut"
            failed = LaneProblem(lane=self._first.number, verdict=CellVerdict.FAILED, reason=reason, failing=("alive",))
            self.problems.append(failed)
            return ()

    async def sweep(self, cells: Sequence[CellId], recordings: Mapping[Kind, Recording]) -> None:
        """Try every cell, on as many lanes as there are batches for. Raises the first lane's HarnessError."""
        size = max(1, min(BATCH_MAX, len(cells) // (BATCHES_A_LANE * self._settings.lanes)))
        batches = deque(cells[begin : begin + size] for begin in range(0, len(cells), size))
        async with AsyncExitStack() as owned:
            more = min(self._settings.lanes, len(batches)) - 1
            lanes = [self._first, *await at_once(self._another(owned) for _ in range(more))]
            self._settings.ready()
            with _first_error():
                async with asyncio.TaskGroup() as group:
                    for lane in lanes:
                        if lane is not None:
                            group.create_task(self._lane(lane, batches, Armoury(recordings, lane.site.hops)))

    async def _another(self, owned: AsyncExitStack) -> Lane | None:
        """Open another lane. If that fails, the other lanes do its work."""
        try:
            return await owned.enter_async_context(opened(self._bed, self._relay, self._settings.run))
        except ServiceStartError as problem:
            reason = f"not started: {problem.message}"
            self.problems.append(LaneProblem(lane=0, verdict=CellVerdict.INCONCLUSIVE, reason=reason))
            return None

    async def _lane(self, lane: Lane, batches: deque[Sequence[CellId]], armoury: Armoury) -> None:
        path = self._histories / f"lane-{lane.number}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            await self._take(lane, batches, armoury, HistoryFile(file))

    async def _take(
        self, lane: Lane, batches: deque[Sequence[CellId]], armoury: Armoury, histories: HistoryFile
    ) -> None:
        trials = Trials(lane, armoury, run_began("sweep", self._bed.target, self._settings.run))
        growth = Growth(lane, trials, await held_at_first(self._bed.target, lane.service))
        await growth.note(())
        before_last: Sequence[Trial] = ()
        garbled: list[Delivery] = []
        while batches or before_last:
            trials.owed = list(before_last)
            tried = await self._try(lane, trials, batches.popleft()) if batches else []
            # Deliveries that the recoveries of this batch have not retried yet:
            await send_again(lane, trials.owed)
            await read_rows([trial.rig for trial in (*before_last, *tried)])
            for result in self._results(lane, before_last, histories):
                self._settings.told(result)
            garbled += [trial.delivery for trial in tried if trial.judged_apart and trial.delivery is not None]
            before_last = tried
            await growth.note(tuple(dict.fromkeys(trial.cell for trial in tried)))
        self.problems += await problems_at_rest(lane, growth, garbled)

    async def _try(self, lane: Lane, trials: Trials, cells: Sequence[CellId]) -> Sequence[Trial]:
        tried: list[Trial] = []
        for cell in cells:
            for _ in range(TRIES):
                trial = await trials.attempt(cell)
                record_log(lane, trial.rig)
                tried.append(trial)
                if trial.came_off:
                    break
        return tried

    def _results(self, lane: Lane, tried: Sequence[Trial], histories: HistoryFile) -> Sequence[CellResult]:
        """Judge them. If a cell was tried several times, one try counts."""
        found: dict[CellId, CellResult] = {}
        tries = Counter(trial.cell for trial in tried)
        for trial in tried:
            result = self._result(lane, trial, histories, tries[trial.cell])
            if counts_instead(result, found.get(trial.cell)):
                found[trial.cell] = result
                self._keep_story(result, trial)
        return list(found.values())

    def _result(self, lane: Lane, trial: Trial, histories: HistoryFile, tries: int) -> CellResult:
        verdict = judged(trial)
        lines = histories.write(trial.rig.recorder.history)
        return CellResult(
            cell=trial.cell,
            verdict=verdict.verdict,
            reason=verdict.reason,
            failing=verdict.failing,
            cause=verdict.cause,
            answer="; ".join(str(answer) for answer in trial.answers),
            outcome=next((str(answer.outcome) for answer in trial.answers), ""),
            evidence=tuple(trial.evidence),
            struck=trial.struck,
            tries=tries,
            took_ms=max((answer.took_ms for answer in trial.answers), default=0.0),
            lane=lane.number,
            history=f"history/lane-{lane.number}.jsonl",
            lines=lines,
            repro=self._settings.repro(trial.cell),
        )

    def _keep_story(self, result: CellResult, trial: Trial) -> None:
        self.stories.pop(str(result.cell), None)
        if result.verdict in NOTABLE and len(self.stories) < STORIES_MAX:
            self.stories[str(result.cell)] = "\n".join(story(trial.rig.recorder.history))

    @property
    def _histories(self) -> Path:
        path = self._settings.run.folder / "history"
        path.mkdir(parents=True, exist_ok=True)
        return path


def counts_instead(later: CellResult, known: CellResult | None) -> bool:
    """Whether a try replaces its cell's earlier tries. An error that an earlier try found is kept."""
    if known is None:
        return True
    wrong = (CellVerdict.FAILED, CellVerdict.SILENT)
    return known.verdict not in wrong or later.verdict in wrong[: wrong.index(known.verdict)]


@contextmanager
def _first_error() -> Iterator[None]:
    """Raise the first HarnessError of a group instead of the group, because callers catch HarnessError."""
    try:
        yield
    except BaseExceptionGroup as group:
        known = next((error for error in group.exceptions if isinstance(error, HarnessError)), None)
        if known is None:
            raise
        raise known from group


@asynccontextmanager
async def sweeping(bed: Testbed, settings: SweepSettings) -> AsyncIterator[Sweeper]:
    """Open the first lane. Raises HarnessError if its service does not start."""
    async with bed.stack.relay.control() as relay, AsyncExitStack() as owned:
        first = await first_lane(bed, relay, settings.run, owned)
        yield Sweeper(bed, relay, first, settings)


async def first_lane(bed: Testbed, relay: RelayControl, run: RunConfiguration, owned: AsyncExitStack) -> Lane:
    """Open the first lane; if the service's driver refuses a cheap login, with the usual one.

    A driver decides how few rounds of SHA-256 it accepts: Go's lib/pq refuses one.
    """
    async with AsyncExitStack() as trial:
        with contextlib.suppress(ServiceStartError):  # tried once more, without
            lane = await trial.enter_async_context(opened(bed, relay, run))
            if not bed.cheap_login or await lane.acknowledges():
                owned.push_async_callback(trial.pop_all().aclose)
                return lane
    bed.cheap_login = False
    return await owned.enter_async_context(opened(bed, relay, run))


__all__ = ["SweepSettings", "Sweeper", "counts_instead", "first_lane", "sweeping"]
