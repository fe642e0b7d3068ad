"""A lane's process: what crosses its border, and what becomes of the run when it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import psutil
import pytest

from harness import Postgres
from harness.checks import Verdict
from harness.errors import HarnessError, UsageError
from harness.faults import link
from harness.history import Entry
from harness.history.events import FaultActed, PhaseBegan
from harness.results import RunKey, RunResult
from harness.scenario.scenario import Scenario
from harness.suite.lanes import lane_process
from harness.suite.lanes.lane_process import Apart
from harness.suite.lanes.orders import HistoryGrew, Order, Progress, StackUp, Tell, Told, Unwritten
from harness.suite.lanes.performing import Ways
from harness.target import Target
from tests.cli.support import lives
from tests.keeper.support import wait_for
from tests.proof.made import scenario
from tests.results.made import EVIDENCE, made
from tests.tiny import CHECKOUT

WITHIN_S = 20.0
SCENARIOS = [scenario(name) for name in ("held", "dies", "raises", "breaks", "waits", "says")]
SAID: list[Told] = [
    Progress("bringing up"),
    StackUp(0.5, {"postgres": "17"}),
    HistoryGrew(Entry(1, 0, "x", PhaseBegan("start"))),
    HistoryGrew(Entry(2, 0, "x", FaultActed(1, link.down(Postgres("postgres"))))),
    Unwritten(Path("history.jsonl"), "no room"),
]


class MadeUp:
    """Stands for what brings servers up: every run is what its scenario's name says."""

    def __init__(self, ways: Ways, tell: Tell) -> None:
        self._folder = ways.logs
        self._tell = tell

    def perform(self, scenario: Scenario, order: Order) -> RunResult:
        match scenario.id:
            case "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            case "raises":
                raise UsageError("no such profile", hint="take another")
            case "breaks":
                raise ZeroDivisionError("somebody's mistake")
            case "waits":
                self._tell(Progress("it waits"))
                signal.pause()
            case "says":
                for each in SAID:
                    self._tell(each)
        return made(key=order.key, repro=order.repro, reason=str(os.getpid()), evidence=(EVIDENCE,))

    def close(self) -> None:
        self._folder.mkdir(exist_ok=True)
        (self._folder / f"closed-{os.getpid()}").touch()


class Lane:
    """One lane, and what it told."""

    def __init__(self, folder: Path) -> None:
        self.told: list[Told] = []
        self.heard = threading.Event()
        ways = Ways(target=cast("Target", None), stack=cast("object", None), logs=folder, lane="lane-0")  # type: ignore[arg-type]  # never used here
        self.apart = Apart(ways, SCENARIOS, self._tell)

    def _tell(self, told: Told) -> None:
        self.told.append(told)
        self.heard.set()

    def run(self, name: str) -> RunResult:
        one = next(each for each in SCENARIOS if each.id == name)
        order = Order(
            key=RunKey(name, "hardened"), role="scenario", seed=3, patience_s=None, folder=Path("results"),
            repro=f"gate {name}",
        )  # fmt: skip
        return self.apart.perform(one, order)


@pytest.fixture
def lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lane]:
    monkeypatch.setattr(lane_process, "Here", MadeUp)  # the fork takes it along
    lane = Lane(tmp_path)
    yield lane
    lane.apart.kill()


def closed(folder: Path) -> set[int]:
    return {int(path.name.removeprefix("closed-")) for path in folder.glob("closed-*")}


def test_runs_are_made_in_one_other_process_which_takes_its_servers_down_at_the_end(lane: Lane, tmp_path: Path) -> None:
    first, second = lane.run("held"), lane.run("held")
    pid = int(first.reason)
    assert first == second == made(key=RunKey("held", "hardened"), repro="gate held", reason=first.reason)
    assert pid != os.getpid()
    lane.apart.rest()
    assert closed(tmp_path) == {pid}
    assert not psutil.pid_exists(pid)


def test_what_it_tells_is_heard_in_order_before_the_result(lane: Lane) -> None:
    lane.run("says")
    assert lane.told == SAID


def test_the_run_in_which_it_is_killed_is_inconclusive_and_the_next_has_a_new_process(lane: Lane) -> None:
    before = lane.run("held")
    lost = lane.run("dies")
    assert (lost.key, lost.verdict, lost.repro, lost.history) == (
        RunKey("dies", "hardened"), Verdict.INCONCLUSIVE, "gate dies", None,
    )  # fmt: skip
    assert lost.reason == "the harness broke: the process of lane-0 was killed by SIGKILL during this run"
    after = lane.run("held")
    assert after.verdict is Verdict.HELD
    assert after.reason != before.reason


def test_one_that_was_killed_between_two_runs_costs_the_next_run_only(lane: Lane) -> None:
    pid = int(lane.run("held").reason)
    os.kill(pid, signal.SIGKILL)
    assert lane.run("held").verdict is Verdict.INCONCLUSIVE
    assert lane.run("held").verdict is Verdict.HELD


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [("raises", UsageError, "no such profile\n  mend: take another"), ("breaks", RuntimeError, "somebody's mistake")],
)
def test_what_it_raises_is_raised_here_and_its_servers_are_down(
    lane: Lane, tmp_path: Path, name: str, kind: type[Exception], said: str
) -> None:
    pid = int(lane.run("held").reason)
    with pytest.raises(kind, match=said):
        lane.run(name)
    lane.apart.kill()
    assert closed(tmp_path) == {pid}


def test_an_interruption_ends_the_run_takes_the_servers_down_and_no_other_process_begins(
    lane: Lane, tmp_path: Path
) -> None:
    pid = int(lane.run("held").reason)
    raised: list[BaseException] = []
    thread = threading.Thread(target=lambda: raised.append(raises(lambda: lane.run("waits"))))
    thread.start()
    assert lane.heard.wait(WITHIN_S)
    lane.apart.interrupt()
    thread.join(WITHIN_S)
    raised.append(raises(lambda: lane.run("held")))
    assert [str(each) for each in raised] == ["the session has ended\n  mend: start a new one"] * 2
    assert closed(tmp_path) == {pid}
    assert not psutil.pid_exists(pid)


def raises(call: Callable[[], object]) -> BaseException:
    with pytest.raises(HarnessError) as caught:
        call()
    return caught.value


ALONE = """
import sys
from pathlib import Path
import pytest
from harness.suite.lanes import lane_process
from tests.suite.test_apart import Lane, MadeUp
lane_process.Here = MadeUp
lane = Lane(Path(sys.argv[1]))
print(lane.run("held").reason, flush=True)
lane.run("waits")
"""


def test_it_dies_with_the_process_that_forked_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ALONE, str(tmp_path)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        lane = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert wait_for(lambda: not lives(lane), within_s=WITHIN_S)
