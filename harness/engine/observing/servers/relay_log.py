"""Fails a run if the relay logged anything.

The relay logs only its own errors. After one of them, its effect on the run's connections is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.history import Recorder
from harness.history.events import HarnessProblem
from harness.processes.keeper import LogFile

SHOWN = 4_000
"""How many characters of the end of the log to quote: a traceback names its error at the end."""


@contextmanager
def relay_unbroken(log: LogFile, recorder: Recorder) -> Iterator[None]:
    """Record a problem of the harness if the log has grown by the end of the block."""
    mark = log.size()
    try:
        yield
    finally:
        wrote = log.read(mark).strip()
        if wrote:
            told = f"the relay broke, and wrote to {log.path.name}:\n{wrote[-SHOWN:]}"
            recorder.record("runner", HarnessProblem(told))


__all__ = ["relay_unbroken"]
