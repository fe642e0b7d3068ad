"""Publishes where `harness run` finds a running stack: one per target, for as long as it runs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from harness.errors import HarnessError, UsageError
from harness.results.files import write_atomically
from harness.up.entries import Entry

TAKEN_WITHIN_S = 2.0
"""A `harness run` that removes a killed `up`'s files holds the lock for a moment."""
WAITING_MAX = 64


@contextmanager
def announced(entry: Entry) -> Iterator[socket.socket]:
    """Return the socket that `harness run` connects to. Raises UsageError if another stack runs for the target."""
    lock = FileLock(entry.lock, timeout=TAKEN_WITHIN_S)
    try:
        held = lock.acquire()
    except Timeout as problem:
        text = f"a stack stays up for {entry.target} already"
        raise UsageError(text, hint="use it: harness run ID; or stop it with Ctrl-C in its terminal") from problem
    with held, _listener(entry) as listener:
        try:
            write_atomically(entry.file, entry.text())
            yield listener
        finally:
            entry.file.unlink(missing_ok=True)
            entry.socket.unlink(missing_ok=True)


@contextmanager
def _listener(entry: Entry) -> Iterator[socket.socket]:
    """A socket that gets its name when it listens, so that it refuses no caller."""
    new = entry.socket.with_suffix(".new")
    new.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(new))
        except OSError as problem:
            hint = "set XDG_RUNTIME_DIR to a folder of your own, of mode 0700 and with a short path"
            raise HarnessError(f"{new}: no socket can be made there: {problem}", hint=hint) from problem
        listener.listen(WAITING_MAX)
        new.rename(entry.socket)
        yield listener
