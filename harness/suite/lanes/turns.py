"""Lets one watcher follow several runs at once."""

from __future__ import annotations

import threading

from harness.history import Entry
from harness.results import Role, RunKey, RunResult
from harness.results.ablation import ProofResult
from harness.suite.watcher import Watcher


class TakingTurns:
    """Passes the events of several threads' runs to one watcher, one run after the other.

    The begin of a run is passed on at once. Its history follows when the run has ended, so that runs do not mix.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._lock = threading.Lock()
        self._runs: dict[int, tuple[RunKey, Role, list[Entry]]] = {}

    def progress(self, text: str) -> None:
        """Pass a progress note on at once."""
        with self._lock:
            self._watcher.progress(text)

    def began(self, key: RunKey, role: Role) -> None:
        """Pass the begin of a run on at once, and collect its events from now on."""
        with self._lock:
            self._runs[threading.get_ident()] = (key, role, [])
            self._watcher.began(key, role)

    def saw(self, entry: Entry) -> None:
        """Collect an event until its run has ended."""
        self._runs[threading.get_ident()][2].append(entry)

    def ended(self, result: RunResult, note: str) -> None:
        """Pass on the whole run."""
        with self._lock:
            key, role, entries = self._runs.pop(threading.get_ident(), (result.key, result.role, []))
            self._watcher.began(key, role)
            for entry in entries:
                self._watcher.saw(entry)
            self._watcher.ended(result, note)

    def proved(self, proof: ProofResult) -> None:
        """Pass the result of a proof on."""
        with self._lock:
            self._watcher.proved(proof)
