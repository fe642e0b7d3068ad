"""All processes below one are found at each look; others are read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest

from harness.engine.observing import descendants
from harness.engine.observing.descendants import Kin
from harness.processes.keeper import Process

HARNESS, LANE, SERVICE, BACKEND = 10, 11, 12, 13
SHELL, THREADS, OTHER = 5, 2, 99
OURS = {HARNESS: SHELL, LANE: HARNESS, SERVICE: LANE, BACKEND: SERVICE}
THEIRS = {1: 0, THREADS: 0, SHELL: 1, OTHER: SHELL}


class Machine:
    """A machine's processes, by their parents. `unread`: those that end between their listing and their turn."""

    def __init__(self, parents: Mapping[int, int]) -> None:
        self.parents = dict(parents)
        self.unread: set[int] = set()
        self.read: list[int] = []

    def ids(self) -> set[int]:
        return set(self.parents)

    def look(self, pids: set[int]) -> Iterator[Process]:
        for pid in sorted(pids - self.unread):
            self.read.append(pid)
            yield Process(pid, self.parents[pid], session=pid, start_ticks=1, ran_ticks=1, reaped_ticks=0)


@pytest.fixture
def boot(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[int, int]], Machine]:
    def booted(parents: Mapping[int, int]) -> Machine:
        machine = Machine(parents)
        monkeypatch.setattr(descendants, "process_ids", machine.ids)
        monkeypatch.setattr(descendants, "all_processes", machine.look)
        return machine

    return booted


def pids(family: Iterable[tuple[Process, int]]) -> set[int]:
    return {process.pid for process, _ in family}


def test_a_process_and_its_descendants_are_found_parents_first(boot: Callable[[Mapping[int, int]], Machine]) -> None:
    boot(OURS | THEIRS)
    family = Kin(HARNESS).read()
    assert pids(family) == set(OURS)
    parents = {process.pid: None if at < 0 else family[at][0].pid for process, at in family}
    assert parents == {**OURS, HARNESS: None}
    assert all(at < place for place, (_, at) in enumerate(family))


def test_strangers_are_read_once_and_new_ones_of_ours_at_each_look(
    boot: Callable[[Mapping[int, int]], Machine],
) -> None:
    machine = boot(OURS | THEIRS)
    found = Kin(HARNESS)
    found.read()
    machine.read.clear()
    machine.parents |= {14: SERVICE, 100: OTHER}
    assert pids(found.read()) == {*OURS, 14}
    assert set(machine.read) == {*OURS, 14, 100}
    machine.read.clear()
    found.read()
    assert set(machine.read) == {*OURS, 14}


def test_one_whose_parent_has_just_ended_is_found_when_it_has_another(
    boot: Callable[[Mapping[int, int]], Machine],
) -> None:
    machine = boot(OURS | THEIRS)
    found = Kin(HARNESS)
    machine.unread = {SERVICE}
    assert pids(found.read()) == {HARNESS, LANE}
    del machine.parents[SERVICE]
    machine.parents[BACKEND] = LANE
    assert pids(found.read()) == {HARNESS, LANE, BACKEND}


def test_an_id_that_was_a_strangers_can_be_ours_later(boot: Callable[[Mapping[int, int]], Machine]) -> None:
    machine = boot(OURS | THEIRS)
    found = Kin(HARNESS)
    found.read()
    del machine.parents[OTHER]
    found.read()
    machine.parents[OTHER] = SERVICE
    assert OTHER in pids(found.read())


@pytest.mark.parametrize("parent", [0, 1])
def test_the_root_of_a_container_is_no_stranger(boot: Callable[[Mapping[int, int]], Machine], parent: int) -> None:
    boot({1: 0, HARNESS: parent, LANE: HARNESS})
    assert pids(Kin(HARNESS).read()) == {HARNESS, LANE}
    assert pids(Kin(1).read()) == {1, HARNESS, LANE} if parent else {1}
