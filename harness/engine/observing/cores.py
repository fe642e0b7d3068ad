"""Measures whether the machine had enough cores for a run, by the kernel's account.

A time limit says something about a service only if the machine was not overloaded. For each thread, the kernel counts
how long it ran and how long it was ready to run without a core (`/proc/PID/task/TID/schedstat`, fields 1 and 2;
"Scheduler Statistics" in the kernel's documentation). For the whole machine it counts how long the cores were busy
(`/proc/stat`). So a late answer comes with the share of its time that the machine caused, and whether other programs
took it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from harness.history import Recorder
from harness.history.events import CoresSeen, CoreWait
from harness.processes.keeper import all_processes

SAMPLE_EVERY_S = 0.5
LANE = "machine"
CLIENTS = "clients"
"""The thread of the harness in which a run's clients send and wait."""
JIFFY_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")

Processes = Callable[[], Mapping[str, Iterable[int]]]
Thread = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Ran:
    """Nanoseconds that a thread has run, and has waited for a core, since it began."""

    ran_ns: int
    waited_ns: int


@dataclass(frozen=True, slots=True)
class _Reading:
    at_ns: int
    busy_ns: int
    """The busy time of all cores together."""
    own: Mapping[Thread, _Ran]
    """Every thread of the harness and of the processes that it started, those of other lanes too."""
    parts: Mapping[str, Iterable[Thread]]


@asynccontextmanager
async def cores_recorded(processes: Processes, recorder: Recorder) -> AsyncIterator[None]:
    """Twice a second, and at the end, record who waited for a core and how busy other programs kept the cores.

    `processes` returns the process ids of the run at this moment, by a readable name (`service`, `relay`, `postgres`).
    Processes forked by these are included.
    """
    cores = Cores(processes)
    sampling = asyncio.create_task(_sample(cores, recorder))
    try:
        yield
    finally:
        sampling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sampling
        recorder.record(LANE, cores.since_last())


async def _sample(cores: Cores, recorder: Recorder) -> None:
    while True:
        await asyncio.sleep(SAMPLE_EVERY_S)  # a sample covers a length of time: there is no event to wait for
        recorder.record(LANE, cores.since_last())


class Cores:
    """Reads what happened since the last reading. Made and used in the thread that the run's clients are in."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._clients = (os.getpid(), threading.get_native_id())
        self._last = self._read()

    def since_last(self) -> CoresSeen:
        """Return what happened since the last call, or since this was made."""
        before, now = self._last, self._read()
        self._last = now
        over_ns = now.at_ns - before.at_ns
        all_cores_ns = over_ns * (os.cpu_count() or 1)
        own_ns = sum(ran.ran_ns - before.own[thread].ran_ns for thread, ran in now.own.items() if thread in before.own)
        own_ns += sum(ran.ran_ns for thread, ran in now.own.items() if thread not in before.own)
        others_ns = max(0, now.busy_ns - before.busy_ns - own_ns)
        return CoresSeen(
            over_ms=round(over_ns / 1e6, 1),
            waits=tuple(CoreWait(of, _waited_ms(before, now, threads)) for of, threads in now.parts.items()),
            others=round(min(1.0, others_ns / all_cores_ns), 3) if over_ns > 0 else 0.0,
        )

    def _read(self) -> _Reading:
        roots = self._processes()
        name_of = {pid: name for name, pids in roots.items() for pid in pids}
        parts: dict[str, list[Thread]] = {CLIENTS: [self._clients], **{name: [] for name in roots}}
        own: dict[Thread, _Ran] = {}
        for pid, name in _family(os.getpid(), name_of):
            for thread, ran in _threads(pid):
                own[thread] = ran
                if name:
                    parts[name].append(thread)
        return _Reading(time.monotonic_ns(), _busy_ns(), own, parts)


def _waited_ms(before: _Reading, now: _Reading, threads: Iterable[Thread]) -> float:
    waited_ns = 0
    for thread in threads:
        if thread in now.own:
            known = before.own.get(thread)
            waited_ns += now.own[thread].waited_ns - (known.waited_ns if known else 0)
    return round(waited_ns / 1e6, 1)


def _family(root: int, name_of: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    """Return the root and all its descendants, each with the name of its nearest named process, or "".

    That may be the process itself. Ancestors are read as they are now: a process whose parent has just ended is found
    at the next reading.
    """
    parent_of = {process.pid: process.parent for process in all_processes()}
    for pid in parent_of:
        name, ancestor = name_of.get(pid, ""), pid
        while ancestor != root and ancestor in parent_of:
            ancestor = parent_of[ancestor]
            name = name or name_of.get(ancestor, "")
        if ancestor == root:
            yield pid, name


def _threads(pid: int) -> Iterator[tuple[Thread, _Ran]]:
    """Return each thread of a process; empty if the process is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - the names alone
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:  # noqa: PTH123 - many a second
                ran, waited, _ = file.read().split()
            yield (pid, int(thread)), _Ran(int(ran), int(waited))


def _busy_ns() -> int:
    """Return how long all cores together were busy since the machine started, time taken by a hypervisor included."""
    with open("/proc/stat", encoding="ascii") as file:  # noqa: PTH123 - as above
        user, nice, system, _idle, _iowait, irq, softirq, steal, *_ = map(int, file.readline().split()[1:])
    return (user + nice + system + irq + softirq + steal) * JIFFY_NS
