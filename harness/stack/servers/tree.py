"""Kills a server together with its child processes."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack

import psutil

from harness.errors import HarnessError
from harness.processes.keeper import KeptProcess
from harness.stack.servers.readiness import NotReadyError, wait_ready


def kill_tree(process: KeptProcess, *, deadline_s: float = 10.0) -> None:
    """SIGKILL `process` and all its descendants; return when every one of them has ended.

    The root is stopped first. Then it can neither start nor reap a child, so the list is complete, and no pid in it can
    belong to another process. Raises HarnessError at the deadline.
    """
    process.send_signal(signal.SIGSTOP)
    wait_ready(lambda: _stopped(process.pid), ended=threading.Event(), deadline_s=deadline_s, interval_s=0.001)
    with ExitStack() as open_descriptors:
        descendants = []
        for pid in _descendants(process.pid):
            descriptor = os.pidfd_open(pid)
            open_descriptors.callback(os.close, descriptor)
            descendants.append(descriptor)
        process.send_signal(signal.SIGKILL)
        for descriptor in descendants:
            _kill(descriptor)
        process.wait(deadline_s)
        _wait_ended(process.name, descendants, deadline_s)


def _stopped(pid: int) -> None:
    """A signal takes a moment to arrive: wait for it."""
    try:
        status = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return
    if status not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
        raise NotReadyError(f"process {pid} is {status}, not stopped")


def _descendants(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:  # it had ended before: its children do not belong to it any more
        return []


def _kill(descriptor: int) -> None:
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except ProcessLookupError:
        return  # it ended by itself, which is all that was wanted


def _wait_ended(name: str, descriptors: Iterable[int], deadline_s: float) -> None:
    """A process's descriptor becomes readable when it has ended (pidfd_open(2))."""
    deadline = time.monotonic() + deadline_s
    for descriptor in descriptors:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise HarnessError(
                f"a child process of {name} outlived SIGKILL by {deadline_s} s",
                hint="look for processes in uninterruptible sleep: ps -eo pid,stat,args | grep ' D'",
            )
