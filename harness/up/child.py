"""Turns a fork of `harness up` into the process that asked for a run, with the user's current files."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import TextIO, cast

from harness.present.terminal.streams import into_nothing
from harness.processes.parent import die_with
from harness.up.messages import Asked

STDERR = 2


def become(asked: Asked, parent: int) -> None:
    """Take over the caller's folder, environment, command line, import path and streams; end when `parent` does.

    Raises OSError for a folder that is gone.
    """
    os.setsid()  # Ctrl-C in the terminal of `harness up` is meant for the parent, which ends this process in good order
    die_with(parent)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(asked.environment)
    sys.argv[:], sys.path[:] = asked.argv, asked.path
    _take_streams(asked)
    os.chdir(asked.directory)
    importlib.invalidate_caches()  # files may have been saved since this process was forked off


def flush_streams() -> None:
    """Flush the streams. It is not an error if the terminal has gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            if not stream.closed:
                into_nothing(stream)


def _take_streams(asked: Asked) -> None:
    """Descriptors 0 to 2, and Python's streams on them, as a fresh Python would open them."""
    for number, stream in enumerate(asked.streams):
        os.dup2(stream, number)
    asked.close()
    sys.stdin, sys.stdout, sys.stderr = (_opened(number, asked.encoding) for number in range(STDERR + 1))


def _opened(number: int, encoding: str) -> TextIO:
    mode, lines = ("r", -1) if number == 0 else ("w", 1 if number == STDERR or os.isatty(number) else -1)
    opened = open(number, mode, buffering=lines, encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115  # the process has the descriptor
    return cast(TextIO, opened)
