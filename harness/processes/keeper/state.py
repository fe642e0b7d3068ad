"""The harness's knowledge of one child. The reader thread updates it; any other thread may read it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from harness.processes.syscalls.event import SyscallEvent

T = TypeVar("T")

Unsubscribe = Callable[[], None]
OnExit = Callable[[int], None]
OnSyscall = Callable[[SyscallEvent], None]

STATUS_WITH_KEEPER = -int(signal.SIGKILL)  # the kernel kills the children of a keeper that dies


class ChildState:
    """Exit status, reported calls and their subscribers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exited = threading.Event()
        self._status: int | None = None
        self._events: list[SyscallEvent] = []
        self._on_exit: dict[int, OnExit] = {}
        self._on_syscall: dict[int, OnSyscall] = {}
        self._next = 0

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._status

    def wait(self, timeout_s: float) -> int | None:
        """Return the status, or None if it still runs by then."""
        self._exited.wait(timeout_s)
        return self._status

    def events(self, since: int) -> Sequence[SyscallEvent]:
        """The calls so far, from index `since` on."""
        with self._lock:
            return tuple(self._events[since:])

    def subscribe_exit(self, callback: OnExit) -> Unsubscribe:
        """Call once with the status: at once if there is one."""
        with self._lock:
            if self._status is None:
                return self._remember(self._on_exit, callback)
            status = self._status
        callback(status)
        return lambda: None

    def subscribe_syscalls(self, callback: OnSyscall) -> Unsubscribe:
        """Call with each event from now on."""
        with self._lock:
            return self._remember(self._on_syscall, callback)

    def add(self, event: SyscallEvent) -> list[Callable[[], None]]:
        """Record a call. Return the callbacks to call for it."""
        with self._lock:
            self._events.append(event)
            return [_bind(callback, event) for callback in self._on_syscall.values()]

    def finish(self, status: int) -> list[Callable[[], None]]:
        """Record the end, once. Return the callbacks to call for it."""
        with self._lock:
            if self._status is not None:
                return []
            self._status = status
            due = [_bind(callback, status) for callback in self._on_exit.values()]
            self._on_exit.clear()
        self._exited.set()
        return due

    def _remember(self, among: dict[int, Callable[[T], None]], callback: Callable[[T], None]) -> Unsubscribe:
        key = self._next
        self._next += 1
        among[key] = callback

        def forget() -> None:
            with self._lock:
                among.pop(key, None)

        return forget


def _bind(callback: Callable[[T], None], value: T) -> Callable[[], None]:
    return lambda: callback(value)
