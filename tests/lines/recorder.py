"""Records which lines a service runs. It is copied into the service's own package, so it imports only the library.

Each line is written when it runs for the first time: the harness ends a service with SIGKILL, and what is only kept in
memory would be lost.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

Line = tuple[str, int]


class Trace(Protocol):
    """What `sys.settrace` takes, and what a frame is traced with."""

    def __call__(self, frame: FrameType, event: str, arg: Any, /) -> Trace | None:
        """Look at one event of a frame."""


class Recorder:
    """Writes `FILE<tab>LINE` for each line below `package` that a process runs, into a file per process in `folder`."""

    def __init__(self, package: Path, folder: Path) -> None:
        self._below = f"{package}{os.sep}"
        self._folder = folder
        self._seen: set[Line] = set()
        self._process = 0
        self._file = -1

    def start(self) -> None:
        """Record this thread from its next call on, and each thread that starts later."""
        threading.settrace(self._called)
        sys.settrace(self._called)

    def _called(self, frame: FrameType, event: str, arg: object) -> Trace | None:  # noqa: ARG002  # as `settrace` calls it
        return self._ran if frame.f_code.co_filename.startswith(self._below) else None

    def _ran(self, frame: FrameType, event: str, arg: object) -> Trace:  # noqa: ARG002  # as `settrace` calls it
        line = (frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and line not in self._seen:
            self._seen.add(line)
            self._write([line])
        return self._ran

    def _write(self, lines: list[Line]) -> None:
        if self._process != os.getpid():  # after a fork, what the parent ran is of this process, too
            self._process, lines = os.getpid(), sorted(self._seen)
            self._file = os.open(self._folder / f"{self._process}.lines", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(self._file, "".join(f"{file}\t{line}\n" for file, line in lines).encode())
