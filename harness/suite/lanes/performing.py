"""The interface of a session's performer of runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.checks import Verdict
from harness.engine.configuration import RunConfiguration
from harness.engine.laying.testbed import Testbed, open_ground, open_testbed
from harness.results import RunResult
from harness.scenario import runner
from harness.scenario.scenario import Scenario
from harness.stack import StackConfiguration
from harness.suite.bed import Bed
from harness.suite.ground import KeptGround
from harness.suite.lanes.orders import Order, Progress, StackUp, Tell
from harness.suite.servers import Servers
from harness.target import Target


class Performer(Protocol):
    """Performs one run at a time."""

    def perform(self, scenario: Scenario, order: Order) -> RunResult:
        """Run the scenario. Raises HarnessError if the servers do not start; any other problem is in the result."""
        ...

    def rest(self) -> None:
        """Stop the servers; the next run starts them again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What a performer needs.

    `lane`: its name, if there are several, and `harness` the process to which they all belong. `servers`: lends
    servers, if they are there.
    """

    target: Target
    stack: StackConfiguration
    logs: Path
    lane: str = ""
    harness: int | None = None
    servers: Servers | None = None


class Here:
    """Performs runs in this process.

    The servers are started when the first run needs them. They are replaced when one has died, or when a scenario has
    changed one permanently (`server.execute`). The keeper and its preloaded Python stay if nothing else is left of the
    first stack. Servers that `ways.servers` lends are not started here.
    """

    def __init__(self, ways: Ways, tell: Tell) -> None:
        self._ways = ways
        self._tell = tell
        self._bed = Bed(self._opened)
        self._ground = KeptGround(lambda logs: open_ground(ways.target, logs=logs))

    def perform(self, scenario: Scenario, order: Order) -> RunResult:
        """Run the scenario."""
        bed = self._bed.open()
        if order.copy is not None:
            bed = bed.with_service_in(order.copy.directory, prepares_own=order.copy.prepares_own)
        for need in scenario.needs:
            reason = bed.lacking(need)
            if reason is not None:
                return unrun(scenario, order, Verdict.UNAVAILABLE, f"needs {need}: {reason}")
        result = _played(scenario, order.configuration(self._tell), bed)
        self._bed.close_if_unfit()
        return result

    def rest(self) -> None:
        """Stop the servers; the next run starts them again."""
        self.close(for_good=False)

    def close(self, *, for_good: bool = True) -> None:
        """Stop everything. `for_good`: nothing is started again."""
        try:
            self._bed.close(for_good=for_good)
        finally:
            self._ground.close(for_good=for_good)

    @contextmanager
    def _opened(self) -> Iterator[Testbed]:
        began, ways = time.monotonic(), self._ways
        opened: AbstractContextManager[Testbed]
        if ways.servers is None:
            self._progress(f"bringing up {ways.target.servers_shown}{ways.lane and f', {ways.lane}'}")
            ground = self._ground.open(ways.logs)
            opened = open_testbed(ways.target, ways.stack, logs=ways.logs, progress=self._progress, ground=ground)
        else:
            opened = ways.servers.lend(ways.target, logs=ways.logs, progress=self._progress)
        with opened as bed:
            bed.harness = ways.harness
            self._tell(StackUp(time.monotonic() - began, bed.stack.versions()))
            yield bed

    def _progress(self, text: str) -> None:
        self._tell(Progress(text))


def _played(scenario: Scenario, configuration: RunConfiguration, bed: Testbed) -> RunResult:
    if scenario.run is not None:
        return scenario.run(configuration, bed)
    return runner.run(scenario, configuration, bed)


def unrun(scenario: Scenario, order: Order, verdict: Verdict, reason: str) -> RunResult:
    """Return the result of a run that was not performed, or whose performer has died."""
    return RunResult(
        key=order.key, theme=scenario.theme, verdict=verdict, reason=reason, duration_s=0.0, overhead_s=0.0,
        seed=order.seed, repro=order.repro, history=None, schedule=None, role=order.role,
    )  # fmt: skip
