"""The benchmark `overhead`: how long the gate itself takes for a scenario in which nothing happens."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench.arms import Arm, Rounds, Sample, interleaved
from bench.options import Found, Options
from bench.phases import durations_ms
from bench.report import comparison, split
from bench.services import TARGET
from harness import Lab, no_fault
from harness.checks import Verdict
from harness.engine.laying.testbed import Testbed, open_testbed
from harness.errors import HarnessError
from harness.history import read_history
from harness.scenario.runner import RunConfiguration, run
from harness.scenario.scenario import Scenario
from harness.stack import StackConfiguration
from harness.target import load_target

NOTES = (
    "The scenario delivers once. laying: role, database, proxies, the harness's own sessions and its client;",
    "rest: wait until nothing is left over; rows: read the table; end: service killed, database and proxies dropped.",
    "A/A: the same once more. The servers are up already; PostgreSQL has fsync off, as in the gate.",
)


def overhead(options: Options) -> Found:
    """Run a scenario that only delivers, and split its time by phase."""
    target = load_target(TARGET)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        opened = open_testbed(target, StackConfiguration(), logs=folder / "logs", progress=options.progress)
        with opened as bed:
            numbers = itertools.count(1)
            arms = [
                Arm("a scenario", partial(_played, bed, folder, numbers)),
                Arm("a scenario, again", partial(_played, bed, folder, numbers), control=True),
            ]
            _played(bed, folder, numbers)
            rounds = interleaved(arms, options.plan(rounds=20), options.progress)
    whole = comparison("A scenario from beginning to end", "all", "ms", rounds=rounds, arms=arms)
    return Found((whole, split("Where its time goes", "ms", _parts(rounds, arms[0].name))), NOTES)


def _parts(rounds: Rounds, arm: str) -> Mapping[str, list[float]]:
    return {figure: list(values) for figure, values in rounds.values[arm].items() if figure != "all"}


def _played(bed: Testbed, folder: Path, numbers: itertools.count[int]) -> Sample:
    scenario = Scenario(id=f"nothing_happens-{next(numbers)}", theme="bench", play=_deliver_once)
    profile = bed.target.description.default_profile
    result = run(scenario, RunConfiguration(profile=profile, folder=folder), bed)
    if result.verdict is not Verdict.HELD or result.history is None:
        raise HarnessError(f"a scenario in which nothing happens is {result.verdict}: {result.reason}")
    return durations_ms(read_history(result.history), whole_ms=result.duration_s * 1e3)


async def _deliver_once(lab: Lab) -> None:
    await lab.inject(no_fault)
    await lab.deliver()
