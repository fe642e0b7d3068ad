"""The benchmark `faults`: judged faults per second of the sweep, a hand-written loop, and Chaos Toolkit."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench.arms import Arm, Sample, interleaved
from bench.by_hand import ByHand, ByHandInFlight
from bench.chaos_toolkit import ChaosToolkit
from bench.options import Found, Options
from bench.packages import bench_python
from bench.proxied import proxied_service
from bench.report import comparison
from bench.services import TARGET
from harness.engine.configuration import RunConfiguration
from harness.engine.laying.testbed import Testbed, open_testbed
from harness.search.recording.places import CellId, Kind
from harness.search.recording.recording import Recording
from harness.search.sweep.plan import BYTES, Choice, planned
from harness.search.sweep.results import CellResult, CellVerdict
from harness.search.sweep.sweeper import Sweeper, SweepSettings, sweeping
from harness.stack import StackConfiguration
from harness.target import load_target

LANES = 8
KIND: Kind = "warm"
CUTS = ("cut_before", "cut_after", BYTES)
CELLS, CELLS_OF_ALL, BY_HAND, BY_API, BY_COMMAND = 600, 120, 60, 20, 3
"""Faults per sample, at most."""
SWEEP, SWEEP_AGAIN, EVERYTHING = "sweep of cuts", "sweep, again", "sweep of every action"
NOTES = (
    f"A sample is {CELLS} cells at most ({CELLS_OF_ALL} of every action) on {LANES} lanes, {BY_HAND} faults by hand,",
    f"{BY_API} experiments in one process, or {BY_COMMAND} by `chaos run`.",
    "sweep of cuts: a warm delivery cut before, after and within each of its messages. As in all, starts do not count.",
    "sweep of every action: of all kinds of delivery; its stalls and lost answers wait for the service's time-outs.",
    "by hand, in flight: a lock holds the INSERT, toxiproxy-python cuts all connections, one query judges.",
    "by hand, idle: the same without the lock: idle connections are cut, then it delivers. The service stays up.",
    "Chaos Toolkit: an experiment a fault, the idle cut, delivery and query; with `chaos run`, or its Python interface",
    "in one process. Same service, same PostgreSQL; each has a database of its own, and passwords that are cheap.",
)


class Sweep:
    """A recorded and planned sweep. Each sample tries some of its cells, chosen by the seed."""

    def __init__(self, runner: asyncio.Runner, seed: int, number: int) -> None:
        self._runner = runner
        self._number = number
        self._told: list[CellResult] = []
        self._began_s = self._last_s = 0.0
        self.verdicts: Counter[CellVerdict] = Counter()
        self._chance = random.Random(seed)  # noqa: S311  # repeatable on purpose
        self._sweeper: Sweeper | None = None
        self._recordings: Mapping[Kind, Recording] = {}
        self._cells: Sequence[CellId] = ()

    async def open(self, bed: Testbed, folder: Path, choice: Choice, owned: AsyncExitStack) -> None:
        """Start the first lane, and record."""
        run = RunConfiguration(profile=bed.target.description.default_profile, seed=choice.seed, folder=folder)
        settings = SweepSettings(run=run, lanes=LANES, repro=str, told=self._tell, ready=self._ready)
        self._sweeper = await owned.enter_async_context(sweeping(bed, settings))
        recordings = await self._sweeper.record(choice.kinds)
        self._recordings = {each.kind: each for each in recordings}
        self._cells = planned(recordings, choice).cells

    def measure(self) -> Sample:
        """Sweep some cells."""
        assert self._sweeper is not None, "it was not opened"
        self._told.clear()
        chosen = sorted(self._chance.sample(self._cells, min(self._number, len(self._cells))))
        self._runner.run(self._sweeper.sweep(chosen, self._recordings))
        self.verdicts.update(result.verdict for result in self._told)
        return {"per_s": judged(self._told) / (self._last_s - self._began_s)}

    def _ready(self) -> None:
        self._began_s = time.perf_counter()

    def _tell(self, result: CellResult) -> None:
        self._told.append(result)
        self._last_s = time.perf_counter()


def judged(results: Sequence[CellResult]) -> int:
    """Count the faults that struck and were judged, with any verdict."""
    return sum(result.verdict is not CellVerdict.INCONCLUSIVE for result in results)


def faults(options: Options) -> Found:
    """Break deliveries in each way, in turn, and count the judged faults."""
    python = bench_python(options.progress)
    with _opened(options) as (bed, runner, owned), ExitStack() as others:
        folder = Path(others.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        sweeps = _sweeps(bed, runner, owned, folder, options.seed)
        arms = [Arm(name, sweep.measure, control=name == SWEEP_AGAIN) for name, sweep in sweeps.items()]
        arms += _others(bed, runner, owned, others, python)
        rounds = interleaved(arms, options.plan(rounds=20), options.progress)
    table = comparison("Judged faults a second", "per_s", "1/s", rounds=rounds, arms=arms)
    return Found((table,), (*NOTES, *(f"{name}: {_counted(sweep.verdicts)}." for name, sweep in sweeps.items())))


def _counted(verdicts: Counter[CellVerdict]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())


@contextmanager
def _opened(options: Options) -> Iterator[tuple[Testbed, asyncio.Runner, AsyncExitStack]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as logs:
        opened = open_testbed(load_target(TARGET), StackConfiguration(), logs=Path(logs), progress=options.progress)
        with opened as bed, asyncio.Runner() as runner:
            owned = AsyncExitStack()
            try:
                yield bed, runner, owned
            finally:
                runner.run(owned.aclose())


def _sweeps(
    bed: Testbed, runner: asyncio.Runner, owned: AsyncExitStack, folder: Path, seed: int
) -> Mapping[str, Sweep]:
    cuts = Choice(kinds=(KIND,), actions=CUTS, seed=seed)
    sweeps: dict[str, Sweep] = {}
    for name, choice in ((SWEEP, cuts), (SWEEP_AGAIN, cuts), (EVERYTHING, Choice(seed=seed))):
        sweeps[name] = Sweep(runner, seed, CELLS_OF_ALL if name == EVERYTHING else CELLS)
        runner.run(sweeps[name].open(bed, folder / name, choice, owned))
    return sweeps


def _others(
    bed: Testbed, runner: asyncio.Runner, owned: AsyncExitStack, others: ExitStack, python: Path
) -> Iterator[Arm]:
    control = runner.run(owned.enter_async_context(bed.stack.relay.control()))
    services = [runner.run(owned.enter_async_context(proxied_service(bed, control))) for _ in range(3)]
    by_hand, in_flight = ByHand(services[0], runner), ByHandInFlight(services[2], runner)
    others.callback(by_hand.close)
    others.callback(in_flight.close)
    folder = Path(others.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
    chaos = others.enter_context(ChaosToolkit(services[1], python, folder))
    yield Arm("by hand, in flight", partial(_timed, in_flight.play, BY_HAND))
    yield Arm("by hand, idle", partial(_timed, by_hand.play, BY_HAND))
    yield Arm("Chaos Toolkit, in one process", partial(_timed, chaos.by_api, BY_API))
    yield Arm("Chaos Toolkit, chaos run", partial(_timed, chaos.by_command, BY_COMMAND))


def _timed(play: Callable[[int], None], number: int) -> Sample:
    began = time.perf_counter()
    play(number)
    return {"per_s": number / (time.perf_counter() - began)}
