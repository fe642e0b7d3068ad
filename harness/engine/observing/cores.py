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
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from harness.engine.laying.testbed import Testbed
from harness.engine.observing.descendants import Kin
from harness.faults.site import Site
from harness.history import Recorder
from harness.history.events import CoresSeen, CoreWait
from harness.processes.keeper import Process, read_small

SAMPLE_EVERY_S = 0.5
LANE = "machine"
CLIENTS = "clients"
"""The thread of the harness in which a run's clients send and wait."""
JIFFY_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")

Processes = Callable[[], Mapping[str, Iterable[int]]]
Thread = tuple[int, int]


class Times(NamedTuple):
    """How long a thread has run, and how long it was ready to run and had no core."""

    ran_ns: int
    waited_ns: int


NEVER = Times(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTimes:
    """One look at the machine. Each time counts from the start of its thread, process or machine.

    `busy_ns`: how long all cores ran something, or were taken by a hypervisor. `own_ns`: how long the harness and all
    that it started have run, those that have ended included. `threads`: of each part of the run.
    """

    at_ns: int
    busy_ns: int
    own_ns: int
    threads: Mapping[str, Mapping[Thread, Times]]


def seen_between(before: CpuTimes, now: CpuTimes, cores: int) -> CoresSeen:
    """Return what happened between two readings on a machine with so many cores.

    Other programs used the busy time that the harness did not use. This includes programs that began or ended in
    between. A thread of the run counts from its birth.
    """
    over_ns = now.at_ns - before.at_ns
    others_ns = max(0, now.busy_ns - before.busy_ns - (now.own_ns - before.own_ns))
    return CoresSeen(
        over_ms=round(over_ns / 1e6, 1),
        waits=tuple(_wait_of(part, before.threads.get(part, {}), threads) for part, threads in now.threads.items()),
        others=round(min(1.0, others_ns / (over_ns * cores)), 3) if over_ns > 0 else 0.0,
        cores=cores,
    )


def _wait_of(part: str, before: Mapping[Thread, Times], now: Mapping[Thread, Times]) -> CoreWait:
    ran_ns = sum(times.ran_ns - before.get(thread, NEVER).ran_ns for thread, times in now.items())
    waited_ns = sum(times.waited_ns - before.get(thread, NEVER).waited_ns for thread, times in now.items())
    return CoreWait(part, round(waited_ns / 1e6, 1), round(ran_ns / 1e6, 1))


@asynccontextmanager
async def cores_recorded(
    processes: Processes, recorder: Recorder, *, harness: int | None = None
) -> AsyncIterator[None]:
    """Twice a second, and at the end, record who waited for a core and how busy other programs kept the cores.

    `processes` returns the process ids of the run at this moment, by a readable name (`service`, `relay`, `postgres`).
    Processes forked by these are included. `harness`: the process of which all descendants, such as other lanes, are no
    other programs; None is this one.
    """
    cores = Cores(processes, harness)
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

    def __init__(self, processes: Processes, harness: int | None = None) -> None:
        self._processes = processes
        self._kin = Kin(os.getpid() if harness is None else harness)
        self._clients = (os.getpid(), threading.get_native_id())
        self._last = self.read()

    def since_last(self) -> CoresSeen:
        """Return what happened since the last call, or since this was made."""
        before, self._last = self._last, self.read()
        return seen_between(before, self._last, os.cpu_count() or 1)

    def read(self) -> CpuTimes:
        """Look at the machine."""
        roots = self._processes()
        name_of = {pid: name for name, pids in roots.items() for pid in pids}
        threads: dict[str, dict[Thread, Times]] = {CLIENTS: {}, **{name: {} for name in roots}}
        own_ticks = 0
        for process, name in _named(self._kin.read(), name_of):
            own_ticks += process.ran_ticks + process.reaped_ticks
            if name:
                threads[name].update(_threads(process.pid))
        threads[CLIENTS][self._clients] = _times(*self._clients)
        own_ns = own_ticks * JIFFY_NS
        return CpuTimes(at_ns=time.monotonic_ns(), busy_ns=_busy_ns(), own_ns=own_ns, threads=threads)


def processes_of(site: Site, bed: Testbed) -> Mapping[str, Iterable[int]]:
    """Return the run's processes by name. Servers that were given by URL have none."""
    servers = {name: server.process for name, server in bed.stack.all_servers.items()}
    own = {name: [process.pid] for name, process in servers.items() if process is not None}
    service = [site.service.process.pid] if site.service.running else []
    return {"service": [*service, *bed.beside], "relay": [site.relay_pid], **own}


def _named(family: Sequence[tuple[Process, int]], name_of: Mapping[int, str]) -> Iterator[tuple[Process, str]]:
    """Yield each process with its own name, or with the name of its nearest named ancestor."""
    names: list[str] = []
    for process, parent in family:
        names.append(name_of.get(process.pid, names[parent] if names else ""))
        yield process, names[-1]


def _threads(pid: int) -> Iterator[tuple[Thread, Times]]:
    """Return how long each thread of a process has run and waited for a core; nothing if the process is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - the names alone
            yield (pid, int(thread)), _times(pid, int(thread))


def _times(pid: int, thread: int) -> Times:
    ran_ns, waited_ns, _ = read_small(f"/proc/{pid}/task/{thread}/schedstat").split()
    return Times(int(ran_ns), int(waited_ns))


def _busy_ns() -> int:
    """Return how long the cores ran something, or were taken by a hypervisor.

    `/proc/stat`, fields user, nice, system, irq, softirq and steal.
    """
    with open("/proc/stat", encoding="ascii") as file:  # noqa: PTH123 - as above
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) * JIFFY_NS
