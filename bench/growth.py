"""The benchmark `growth`: what one item costs when there are 1, 2 and 4 times as many: 1 is linear, more is worse."""

from __future__ import annotations

import dataclasses
import gc
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench.arms import Arm, Sample, interleaved
from bench.bulk_clients import RedisLine
from bench.cpu import cpu_s
from bench.options import Found, Options
from bench.report import comparison
from bench.services import TARGET
from bench.ways import Crossing, crossing
from harness import Lab, no_fault
from harness.checks import Verdict
from harness.engine.laying.testbed import Testbed, open_testbed
from harness.errors import HarnessError
from harness.exit_status import ExitStatus
from harness.history import Recorder
from harness.history.events import Purpose, RequestEnded, RequestSent
from harness.present.pages import Pages
from harness.results import RunKey, RunResult
from harness.results.folder import new_results_folder
from harness.scenario.runner import RunConfiguration, run
from harness.scenario.scenario import Scenario
from harness.stack import StackConfiguration
from harness.stack.tcp.sockets import connection_counts
from harness.suite.info import Command, run_info
from harness.suite.record import Record
from harness.suite.settings import SuiteSettings
from harness.target import load_target
from harness.vocabulary import ACKNOWLEDGED

TIMES = (1, 2, 4)
RUNS, REPORTED = 50, 10
REQUESTS, AT_ONCE = 50, 5
ENTRIES, LOOKS = 2000, 200
CONNECTIONS, TRIPS, VALUE_BYTES = 25, 1000, 100
MIB, MOVED = 1 << 20, 32
Cost = Callable[[int], float]
"""The microseconds of CPU for one item when there are this many times as many."""
NOTES = (
    "One thing's CPU where there are 2 and 4 times as many, to that where there are as many as the line says: 1 is",
    "linear, 2 and 4 are quadratic, less than 1 has a fixed share. A/A: as many as the line says, once more.",
    "A scenario's requests and a report: of the harness's own processes. The relay's: of its process alone.",
)


def growth(options: Options) -> Found:
    """Measure each subject with 1, 2 and 4 times as many."""
    with ExitStack() as owned:
        costs = dict(_subjects(options, owned))

        def measured(times: int) -> Sample:
            return {name: cost(times) for name, cost in costs.items()}

        measured(1)
        first, *others = (Arm(f"{times} times", partial(measured, times)) for times in TIMES)
        arms = [first, Arm("1 times, again", partial(measured, 1), control=True), *others]
        rounds = interleaved(arms, options.plan(rounds=8), options.progress)
    tables = tuple(comparison(name, name, "us each", rounds=rounds, arms=arms) for name in costs)
    return Found(tables, NOTES)


def _subjects(options: Options, owned: ExitStack) -> Iterator[tuple[str, Cost]]:
    folder = Path(owned.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
    opened = open_testbed(load_target(TARGET), StackConfiguration(), logs=folder / "logs", progress=options.progress)
    scenarios = _Scenarios(owned.enter_context(opened), folder)
    example = scenarios.run(1)
    relay = _Relay(owned.enter_context(crossing(options.progress)))
    yield f"A request of a scenario with {REQUESTS}", scenarios.a_request_us
    yield f"A look while a run waits, of {ENTRIES} entries", a_look_us
    yield f"A run of {RUNS}, in summary.json after each", partial(_a_summary_us, example, folder)
    yield f"A run of {REPORTED}, in the report", partial(_a_report_us, example, folder)
    yield f"A command through the relay, {CONNECTIONS} connections", relay.a_command_us
    yield f"A connection of {CONNECTIONS} that the kernel is asked for", relay.a_connection_us
    yield "A MiB through the relay, 1 MiB a message", relay.a_mib_us


class _Scenarios:
    """Runs a scenario that only delivers."""

    def __init__(self, bed: Testbed, folder: Path) -> None:
        self._bed = bed
        self._folder = folder
        self._numbers = itertools.count(1)

    def run(self, requests: int) -> RunResult:
        """Deliver this many times, some at once."""

        async def play(lab: Lab) -> None:
            await lab.inject(no_fault)
            for _ in range(max(1, requests // AT_ONCE)):
                await lab.deliver(min(requests, AT_ONCE))

        scenario = Scenario(id=f"only_delivers-{next(self._numbers)}", theme="bench", play=play)
        profile = self._bed.target.description.default_profile
        result = run(scenario, RunConfiguration(profile=profile, folder=self._folder), self._bed)
        if result.verdict is not Verdict.HELD:
            raise HarnessError(f"a scenario that only delivers is {result.verdict}: {result.reason}")
        return result

    def a_request_us(self, times: int) -> float:
        """How much CPU the harness needs for one more request."""
        with _own_cpu() as none:
            self.run(AT_ONCE)
        with _own_cpu() as many:
            self.run(REQUESTS * times)
        return (many.used_s - none.used_s) / (REQUESTS * times) * 1e6


@dataclasses.dataclass(slots=True)
class _Used:
    used_s: float = 0.0


@contextmanager
def _own_cpu() -> Iterator[_Used]:
    """Measure the CPU of this process, and of its children that end meanwhile."""
    gc.collect()  # what was made before is not to be looked through meanwhile
    used, before = _Used(), _spent_s()
    yield used
    used.used_s = _spent_s() - before


def _spent_s() -> float:
    now = os.times()
    return time.process_time() + now.children_user + now.children_system


def a_look_us(times: int) -> float:
    """How much CPU a run needs to ask its history, a hundred times per second, whether enough answers have come."""
    recorder = Recorder()
    for number in range(ENTRIES * times // 2):
        recorder.record("client", RequestSent(number, f"id-{number}", "", 1000, Purpose.HEALTHY))
        recorder.record("client", RequestEnded(number, ACKNOWLEDGED, 1.0))
    mark = recorder.mark()
    with _own_cpu() as used:
        for _ in range(LOOKS):
            history = recorder.history
            assert not list(history.of(RequestEnded, since=mark))
            assert not list(history.of(RequestSent, since=mark))
    return used.used_s / LOOKS * 1e6


def _a_summary_us(example: RunResult, folder: Path, times: int) -> float:
    """How much CPU the summary needs for each run, if it is written after each."""
    record, _, release = _recorded(folder)
    with _own_cpu() as used:
        for result in _like(example, RUNS * times):
            record.ran(result)
    release()
    return used.used_s / (RUNS * times) * 1e6


def _a_report_us(example: RunResult, folder: Path, times: int) -> float:
    """How much CPU the report needs for each run."""
    record, path, release = _recorded(folder)
    record.results = [_with_history(result, example, path) for result in _like(example, REPORTED * times)]
    record.write(complete=True, status=ExitStatus.HELD)
    with _own_cpu() as used:
        record.publish()
    release()
    if record.unpublished:
        raise HarnessError(f"the report was not written: {record.unpublished}")
    return used.used_s / (REPORTED * times) * 1e6


def _recorded(folder: Path) -> tuple[Record, Path, Callable[[], None]]:
    """Start a record in a separate results folder."""
    settings = SuiteSettings(scenarios=TARGET.parent, results=folder / "results")
    results = new_results_folder(settings.results)
    info = run_info(settings, folder_id=results.id, profile="hardened", command=Command("gate", ["bench"]))
    record = Record(
        results, info, selection=[], listed={}, strict=False, publisher=Pages(), told=lambda _sentence: None
    )
    return record, results.path, results.release


def _like(example: RunResult, number: int) -> list[RunResult]:
    """Make this many results that differ from the example in their names."""
    named = (RunKey(f"{example.key.id}-{each}", example.key.profile) for each in range(number))
    return [dataclasses.replace(example, key=key, history=None, schedule=None) for key in named]


def _with_history(result: RunResult, example: RunResult, path: Path) -> RunResult:
    assert example.history is not None
    copy = path / "history" / f"{result.key}.jsonl"
    copy.parent.mkdir(exist_ok=True)
    shutil.copyfile(example.history, copy)
    return dataclasses.replace(result, history=copy)


class _Relay:
    """A hop to Redis with rules that look at each message and never match."""

    def __init__(self, place: Crossing) -> None:
        self._address = place.relayed("redis", "growth")
        self._pid = place.stack.relay.process.pid

    def a_command_us(self, times: int) -> float:
        """How much CPU the relay needs for a command while this many connections are open, all of them in use."""
        with self._lines(CONNECTIONS * times) as lines:

            def act() -> None:
                for line in itertools.islice(itertools.cycle(lines), TRIPS):
                    line.get(VALUE_BYTES, 1)

            return self._cpu_us(act) / TRIPS

    def a_connection_us(self, times: int) -> float:
        """What each connection costs when the harness reads the kernel's table."""
        with self._lines(CONNECTIONS * times), _own_cpu() as used:
            for _ in range(LOOKS):
                connection_counts([self._address.port])
        return used.used_s / LOOKS / (CONNECTIONS * times) * 1e6

    def a_mib_us(self, times: int) -> float:
        """How much CPU the relay needs for a MiB in messages of that size."""
        payload = bytes(MIB * times)
        with self._lines(1) as lines:
            return self._cpu_us(lambda: lines[0].set(payload, MOVED // times)) / MOVED

    def _cpu_us(self, act: Callable[[], object]) -> float:
        before = cpu_s(self._pid)
        act()
        return (cpu_s(self._pid) - before) * 1e6

    @contextmanager
    def _lines(self, number: int) -> Iterator[list[RedisLine]]:
        with ExitStack() as owned:
            lines = [owned.enter_context(RedisLine(self._address)) for _ in range(number)]
            for line in lines:
                line.set(bytes(VALUE_BYTES), 1)
            yield lines
