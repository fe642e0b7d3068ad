"""Several scenarios at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, cast

import pytest

from harness.engine.laying.testbed import Testbed
from harness.errors import HarnessError
from harness.history import Entry
from harness.history.events import PhaseBegan
from harness.results import Role, RunKey, RunResult
from harness.results.ablation import ProofResult
from harness.scenario.scenario import Scenario
from harness.suite.bed import Bed
from harness.suite.lanes.threads import Lanes
from harness.suite.lanes.turns import TakingTurns
from tests.proof.made import scenario
from tests.results.made import made

WITHIN_S = 20.0
MANY = [scenario(str(number)) for number in range(20)]


def never() -> None:
    raise AssertionError("nothing is cut short")


def plain(name: str) -> AbstractContextManager[None]:
    del name
    return nullcontext()


def test_each_is_done_once_and_as_many_at_once_as_there_are_lanes() -> None:
    together = threading.Barrier(2, timeout=WITHIN_S)
    done: list[str] = []

    def work(one: Scenario) -> None:
        together.wait()  # passes only where another lane is at work too
        done.append(one.id)

    Lanes(2, work, never, plain).run(MANY)
    assert sorted(done) == sorted(each.id for each in MANY)


def test_a_problem_of_one_lane_is_raised_and_ends_the_others() -> None:
    begun, stopped = threading.Event(), threading.Event()
    done: list[str] = []

    def work(one: Scenario) -> None:
        if one.id == "0":
            assert begun.wait(WITHIN_S), "another lane is at work"
            raise HarnessError("no servers")
        begun.set()
        if stopped.wait(WITHIN_S):  # the problem takes the servers of all lanes away
            done.append(one.id)

    with pytest.raises(HarnessError, match="no servers"):
        Lanes(2, work, stopped.set, plain).run(MANY)
    assert done == ["1"], "it is ended, and nothing new is begun"


def test_an_interruption_cuts_short_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, stopped = threading.Event(), threading.Event()
    ended: list[str] = []

    def work(one: Scenario) -> None:
        begun.set()
        assert stopped.wait(WITHIN_S)
        ended.append(one.id)

    join = threading.Thread.join

    def interrupted(thread: threading.Thread, timeout: float | None = None) -> None:
        if timeout is None:
            assert begun.wait(WITHIN_S)
            raise KeyboardInterrupt
        join(thread, timeout)

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Lanes(1, work, stopped.set, plain).run(MANY)
    assert ended == ["0"]


def test_each_lane_is_open_around_its_work_and_its_problem_at_the_end_is_raised() -> None:
    seen: list[str] = []

    @contextmanager
    def opened(name: str) -> Iterator[None]:
        seen.append(f"{name} begins")
        yield
        seen.append(f"{name} ends")
        raise HarnessError("its servers do not end")

    with pytest.raises(HarnessError, match="do not end"):
        Lanes(1, lambda one: seen.append(one.id), lambda: seen.append("stopped"), opened).run(MANY[:2])
    assert seen == ["lane-0 begins", "0", "1", "lane-0 ends", "stopped"]


class Opener:
    """Counts what is open."""

    def __init__(self) -> None:
        self.opened = 0
        self.closed = 0

    @contextmanager
    def __call__(self) -> Iterator[Testbed]:
        self.opened += 1
        try:
            yield cast("Testbed", object())
        finally:
            self.closed += 1


def in_a_thread(call: Any) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join(WITHIN_S)
    return found[0]


def test_servers_are_kept_until_they_are_closed() -> None:
    opener = Opener()
    bed = Bed(opener)
    first = bed.open()
    assert bed.open() is first
    assert (opener.opened, opener.closed) == (1, 0)
    bed.close()
    assert opener.closed == 1
    assert bed.open() is not first
    bed.close()
    assert (opener.opened, opener.closed) == (2, 2)


def test_once_closed_for_good_none_is_brought_up_again() -> None:
    opener = Opener()
    bed = Bed(opener)
    bed.close(for_good=True)
    with pytest.raises(HarnessError, match="has ended"):
        bed.open()
    assert opener.opened == opener.closed == 0


class Told:
    """A watcher that writes down what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def progress(self, text: str) -> None:
        self.lines.append(text)

    def began(self, key: RunKey, role: Role) -> None:
        del role
        self.lines.append(f"began {key.id}")

    def saw(self, entry: Entry) -> None:
        self.lines.append(f"saw {entry.seq}")

    def ended(self, result: RunResult, note: str) -> None:
        del note
        self.lines.append(f"ended {result.key.id}")

    def proved(self, proof: ProofResult) -> None:
        del proof


def test_runs_at_once_are_told_one_after_the_other() -> None:
    told = Told()
    turns = TakingTurns(told)
    turns.began(RunKey("a", "p"), "scenario")
    turns.saw(Entry(1, 0, "x", PhaseBegan("start")))

    def other() -> None:
        turns.began(RunKey("b", "p"), "scenario")
        turns.saw(Entry(2, 0, "x", PhaseBegan("start")))
        turns.ended(made(key=RunKey("b", "p")), "")

    in_a_thread(other)
    turns.ended(made(key=RunKey("a", "p")), "")
    assert told.lines == ["began a", "began b", "began b", "saw 2", "ended b", "began a", "saw 1", "ended a"]
