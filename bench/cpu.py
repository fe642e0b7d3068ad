"""How much processor time a process has used."""

from __future__ import annotations

from pathlib import Path

import psutil


def cpu_s(pid: int) -> float:
    """Return user and system time of all threads, in seconds; to the nanosecond if the kernel counts it.

    /proc/PID/task/*/schedstat has it in nanoseconds (kernel: Documentation/scheduler/sched-stats.rst); elsewhere it
    comes in clock ticks of 10 ms. The former does not count ended threads, but the services measured here start none.
    """
    try:
        return sum(_nanoseconds(path) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9 or _ticks(pid)
    except OSError:
        return _ticks(pid)


def _nanoseconds(path: Path) -> int:
    return int(path.read_text("ascii").split()[0])


def _ticks(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
