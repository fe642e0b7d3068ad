"""Deaths of servers: distinguishes intended deaths from unintended ones, and reports each once."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

from harness.processes.keeper import KeptProcess

_log = logging.getLogger(__name__)


def describe_exit(status: int) -> str:
    """Put an exit status (negative: a signal's number) into words."""
    if status >= 0:
        return f"exited with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        return f"killed by signal {-status}"
    return f"killed by signal {-status} ({name})"


@dataclass(frozen=True, slots=True)
class DeadServer:
    """A server that died unintentionally. `exit_status`: negative is a signal's number."""

    name: str
    exit_status: int
    log_tail: str

    def __str__(self) -> str:
        return f"{self.name} {describe_exit(self.exit_status)}; the end of its log:\n{self.log_tail}"


class DeathWatch:
    """Remembers the first unintended death and reports it to every subscriber. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first: DeadServer | None = None
        self._subscribers: list[Callable[[DeadServer], None]] = []

    def first(self) -> DeadServer | None:
        """Return the first server that died unintentionally."""
        return self._first

    def subscribe(self, callback: Callable[[DeadServer], None]) -> Callable[[], None]:
        """Call back at each unintended death, at once if there was one. Returns the unsubscribe."""
        with self._lock:
            self._subscribers.append(callback)
            first = self._first
        if first is not None:
            callback(first)

        def unsubscribe() -> None:
            with self._lock:
                if callback in self._subscribers:
                    self._subscribers.remove(callback)

        return unsubscribe

    def watch(self, name: str, process: KeptProcess) -> Callable[[], None]:
        """Report the death of `process` from now on.

        Returns a function that stops this, because the next death is intended.
        """
        watched = _Watched(name, process, self._report)
        return watched.release

    def _report(self, dead: DeadServer) -> None:
        _log.error("%s", dead)
        with self._lock:
            self._first = self._first or dead
            subscribers = list(self._subscribers)
        for callback in subscribers:
            callback(dead)


class _Watched:
    """One process whose death is reported once, until it is released."""

    def __init__(self, name: str, process: KeptProcess, report: Callable[[DeadServer], None]) -> None:
        self._name = name
        self._process = process
        self._report = report
        self._lock = threading.RLock()  # held while it reports: `release` returns after the report
        self._open = True
        self._unsubscribe = process.on_exit(self._exited)

    def _exited(self, status: int) -> None:
        with self._lock:
            if self._open:
                self._open = False
                self._report(DeadServer(self._name, status, self._process.log.tail()))

    def release(self) -> None:
        """End the watch. A death before this call that the keeper has not reported yet still counts."""
        status = self._process.poll()
        if status is not None:
            self._exited(status)
        with self._lock:
            self._open = False
        self._unsubscribe()
