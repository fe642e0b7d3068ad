"""Lets one watcher watch several runs that go on at once."""

from __future__ import annotations

import threading

from harness.history import Entry
from harness.results import Role, RunKey, RunResult
from harness.results.ablation import ProofResult
from harness.suite.watcher import Watcher


class TakingTurns:
    """Tells a watcher of the runs of several threads, of one after the other.

    A run's history is told when the run has ended, so that no two are mixed; that it has begun, at once.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._lock = threading.Lock()
        self._runs: dict[int, tuple[RunKey, Role, list[Entry]]] = {}

    def progress(self, text: str) -> None:
        """Pass it on."""
        with self._lock:
            self._watcher.progress(text)

    def began(self, key: RunKey, role: Role) -> None:
        """Pass it on, and keep what is to come."""
        with self._lock:
            self._runs[threading.get_ident()] = (key, role, [])
            self._watcher.began(key, role)

    def saw(self, entry: Entry) -> None:
        """Keep it."""
        self._runs[threading.get_ident()][2].append(entry)

    def ended(self, result: RunResult, note: str) -> None:
        """Tell the whole run."""
        with self._lock:
            key, role, entries = self._runs.pop(threading.get_ident(), (result.key, result.role, []))
            self._watcher.began(key, role)
            for entry in entries:
                self._watcher.saw(entry)
            self._watcher.ended(result, note)

    def proved(self, proof: ProofResult) -> None:
        """Pass it on."""
        with self._lock:
            self._watcher.proved(proof)
