"""Finds and kills all descendants of a process.

The caller is a subreaper (PR_SET_CHILD_SUBREAPER): orphans among its descendants become its children, so a tree that
detaches itself (setsid, double fork) stays within reach.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from harness.processes.syscalls.libc import pidfd_open, pidfd_send_signal

_RESCAN_S = 0.01
READ_BYTES = 4096


class Process(NamedTuple):
    """A process, identified by pid and start time (clock ticks), because a pid can be reused."""

    pid: int
    parent: int
    session: int
    start_ticks: int
    ran_ticks: int
    """How long it has run, all threads together."""
    reaped_ticks: int
    """How long its ended and collected children ran, including their own ended children."""


def descendants(root: int) -> list[Process]:
    """Every descendant of `root`, zombies too."""
    below: dict[int, list[Process]] = {}
    for process in all_processes(process_ids()):
        below.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = [root]
    while waiting:
        children = below.pop(waiting.pop(), [])
        found += children
        waiting += [child.pid for child in children]
    return found


def kill(process: Process) -> None:
    """SIGKILL exactly this process. Do nothing if it is gone or belongs to another user."""
    try:
        handle = pidfd_open(process.pid)
    except OSError as error:
        if error.errno != errno.ESRCH and _is_same(process):
            _quietly(lambda: os.kill(process.pid, signal.SIGKILL))  # no such handles before Linux 5.3
        return
    try:
        if _is_same(process):
            _quietly(lambda: pidfd_send_signal(handle, signal.SIGKILL))
    finally:
        os.close(handle)


def kill_all(reap: Callable[[], object], *, deadline_s: float) -> list[Process]:
    """Kill every descendant until none is left; return those that still live at the deadline.

    `reap` collects the children that ended. This looks again as long as it finds any, because a process may fork while
    it is being killed.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    limit = time.monotonic() + deadline_s
    while True:
        reap()
        left = descendants(os.getpid())
        if not left or time.monotonic() > limit:
            return left
        for process in left:
            kill(process)
        reap()
        signal.sigtimedwait({signal.SIGCHLD}, _RESCAN_S)


def kill_session(session: int) -> None:
    """SIGKILL the caller's descendants that are still in this session."""
    for process in descendants(os.getpid()):
        if process.session == session:
            kill(process)


def reap_any() -> None:
    """Collect every child that has ended."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return  # no process is left


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped by a signal; false for one that is gone."""
    fields = _stat(pid)
    return fields is not None and fields[0] == b"T"


def _quietly(send: Callable[[], None]) -> None:
    """Send the signal. The caller's next listing shows processes that have ended or changed their user."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        send()


def process_ids() -> set[int]:
    """The ids of every process of the machine, zombies too."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208 - the names alone


def all_processes(pids: Collection[int]) -> Iterator[Process]:
    """Look at these processes. One may be gone before its turn."""
    for pid in pids:
        if process := _read(pid):
            yield process


def _is_same(process: Process) -> bool:
    found = _read(process.pid)
    return found is not None and found.start_ticks == process.start_ticks


def _read(pid: int) -> Process | None:
    fields = _stat(pid)
    if fields is None:
        return None
    return Process(
        pid,
        parent=int(fields[1]),
        session=int(fields[3]),
        start_ticks=int(fields[19]),
        ran_ticks=int(fields[11]) + int(fields[12]),
        reaped_ticks=int(fields[13]) + int(fields[14]),
    )


def _stat(pid: int) -> list[bytes] | None:
    """Fields of /proc/PID/stat behind the name (proc(5)), which may itself contain brackets and spaces."""
    try:
        return read_small(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def read_small(path: str) -> bytes:
    """Read a kernel file that one read returns completely. A file object would ask for its size and read twice."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, READ_BYTES)
    finally:
        os.close(file)
