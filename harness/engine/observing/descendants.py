"""Finds all processes below one, repeatedly, but reads each other process of the machine only once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from harness.processes.keeper import Process, all_processes, process_ids

FIRST = 0
"""The parent of the first process and of the kernel's threads."""


class Kin:
    """A process and all its descendants.

    A process is a stranger if each of its ancestors is one. It cannot get other ancestors later: a process that loses
    its parent gets an ancestor as its parent. To read them all twice a second took a twentieth of the harness's own CPU
    time for a run.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._strangers: frozenset[int] = frozenset()

    def read(self) -> Sequence[tuple[Process, int]]:
        """Return each process as it is now, parents first, and the place of its parent in this list; the root's is -1.

        Ancestors are read in their current state: a process whose parent has just ended is found at the next reading.
        """
        listed = process_ids()
        below: defaultdict[int, list[Process]] = defaultdict(list)
        for process in all_processes(listed - self._strangers):
            below[process.parent].append(process)
        root = [process for children in below.values() for process in children if process.pid == self._root]
        self._strangers = (self._strangers & listed) | self._strange(below)
        return list(_family(root, below))

    def _strange(self, below: Mapping[int, Sequence[Process]]) -> set[int]:
        """Return the new strangers: below the first process or a known stranger, and not below the root."""
        found: set[int] = set()
        waiting = [FIRST, *self._strangers]
        while waiting:
            for process in below.get(waiting.pop(), ()):
                if process.pid != self._root:
                    found.add(process.pid)
                    waiting.append(process.pid)
        return found


def _family(root: Sequence[Process], below: Mapping[int, Sequence[Process]]) -> Iterator[tuple[Process, int]]:
    waiting = [(process, -1) for process in root]
    for place, (process, parent) in enumerate(waiting):  # it grows while this loop runs
        yield process, parent
        waiting += [(child, place) for child in below.get(process.pid, ())]
