"""`harness run` on a running stack: asks `harness up` for a run, and waits for its exit status.

It imports only the standard library and platformdirs. Imports are most of a verb's start, and the process that makes
the run has imported everything already.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from harness.errors import HarnessError, UsageError
from harness.exit_status import ExitStatus
from harness.up.entries import PACKAGE, Entry, entries, sources_of
from harness.up.messages import TAKEN, Asked, send_asked

SAID_AFTER_S = 1.0
"""A stack that has not answered in this time is busy. The user then reads that this run waits."""


def ask(arguments: Sequence[str]) -> int | None:
    """Run `harness run` with these arguments on a running stack. Return the exit status; raise nothing.

    Returns None if there is no such stack, or if the user asks for help.
    """
    if {"-h", "--help"} & set(arguments):
        return None
    try:
        entry = _meant(arguments)
        return None if entry is None else _asked(entry, arguments)
    except HarnessError as problem:
        _say(str(problem))
        return ExitStatus.USAGE if isinstance(problem, UsageError) else ExitStatus.INCONCLUSIVE
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED


def _meant(arguments: Sequence[str]) -> Entry | None:
    """Return the stack for the named target, or otherwise the one for this folder."""
    target = _target_named(arguments)
    here = str(Path.cwd())
    found = [entry for entry in entries() if (entry.directory == here if target is None else entry.target == target)]
    if len(found) > 1:
        listed = "; ".join(str(entry) for entry in found)
        raise UsageError(f"several stacks stay up for {here}: {listed}", hint="say which: --target FILE")
    for entry in found:
        _check_same(entry)
    return found[0] if found else None


def _target_named(arguments: Sequence[str]) -> str | None:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--target")
    parser.add_argument("--scenarios")
    try:
        named, _ = parser.parse_known_args(arguments)
    except argparse.ArgumentError:
        return None  # a value is missing: the run itself parses the whole command line and reports that
    if named.target is not None:
        return str(Path(named.target).resolve())
    return None if named.scenarios is None else str((Path(named.scenarios) / "target.toml").resolve())


def _check_same(entry: Entry) -> None:
    """Refuse a stack with another interpreter, which has other libraries, or with another or older harness."""
    if (entry.python, entry.package) != (sys.executable, str(PACKAGE)):
        raise UsageError(
            f"the stack that stays up for {entry} is that of {entry.package} in {entry.python},"
            f" this is {PACKAGE} in {sys.executable}",
            hint=f"use that one: {entry.python} -m harness run; or end it: kill {entry.pid}",
        )
    if entry.sources != sources_of(PACKAGE):
        raise UsageError(
            f"the harness has changed since the stack for {entry} came up",
            hint=f"end it, with Ctrl-C or kill {entry.pid}, and start harness up again",
        )


def _asked(entry: Entry, arguments: Sequence[str]) -> int | None:
    """Ask, and wait for the exit status; None if the stack ended before it had read the request."""
    with socket.socket(socket.AF_UNIX) as connection, _terminated_is_interrupted():
        try:
            connection.connect(str(entry.socket))
            send_asked(connection, _as_it_would_run_here(arguments))
        except OSError:
            taken = b""  # it has just ended
        else:
            taken = _first_line(connection)
        if taken != TAKEN:
            _say(f"the stack that stayed up for {entry} ended before it ran this")
            return None
        status = _status(connection)
    if status is None:
        _say(f"the run on the stack for {entry} ended without a verdict: it says nothing")
        return ExitStatus.INCONCLUSIVE
    return status


def _as_it_would_run_here(arguments: Sequence[str]) -> Asked:
    return Asked(
        arguments=list(arguments),
        argv=sys.argv,
        directory=str(Path.cwd()),
        environment=dict(os.environ),
        path=sys.path,
        encoding=sys.stdout.encoding,
        streams=(0, 1, 2),
    )


def _first_line(connection: socket.socket) -> bytes:
    connection.settimeout(SAID_AFTER_S)
    try:
        return read_line(connection)
    except TimeoutError:
        _say("waiting for the stack that stays up: another run is under way")
    connection.settimeout(None)
    return read_line(connection)


def _status(connection: socket.socket) -> int | None:
    """Wait for the exit status. Ctrl-C ends the run; a second Ctrl-C does not wait for that."""
    connection.settimeout(None)
    try:
        said = read_line(connection)
    except KeyboardInterrupt:
        try:
            connection.shutdown(socket.SHUT_WR)
            read_line(connection)
        except (KeyboardInterrupt, OSError):
            pass  # it is interrupted in any case
        return ExitStatus.INTERRUPTED
    return int(said) if said else None


def read_line(connection: socket.socket) -> bytes:
    """Read one answer; empty if no more will come."""
    line = b""
    while not line.endswith(b"\n"):
        try:
            byte = connection.recv(1)  # answers are few and short
        except ConnectionError:
            return b""
        if not byte:
            return b""
        line += byte
    return line


def _say(text: str) -> None:
    sys.stderr.write(f"harness: {text}\n")
    sys.stderr.flush()


@contextmanager
def _terminated_is_interrupted() -> Iterator[None]:
    def interrupt(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        raise KeyboardInterrupt

    before = {signum: signal.signal(signum, interrupt) for signum in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
