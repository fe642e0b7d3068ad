"""The relay's log is empty, unless something of its own broke: then what it did to the run's connections is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.history import Recorder
from harness.history.events import HarnessProblem
from harness.processes.keeper import LogFile

SHOWN = 4_000
"""Characters, the last ones: a traceback says what it was at its end."""


@contextmanager
def relay_unbroken(log: LogFile, recorder: Recorder) -> Iterator[None]:
    """Record a problem of the harness's own where the log has grown when the block ends, however it ends."""
    mark = log.size()
    try:
        yield
    finally:
        wrote = log.read(mark).strip()
        if wrote:
            told = f"the relay broke, and wrote to {log.path.name}:\n{wrote[-SHOWN:]}"
            recorder.record("runner", HarnessProblem(told))


__all__ = ["relay_unbroken"]
