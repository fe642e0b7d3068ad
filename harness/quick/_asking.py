"""Has a stack that stays up run something, and waits for the verdict."""

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
from harness.quick._entries import PACKAGE, Entry, announced
from harness.quick._wire import INTERRUPT, Again, Asked, Ended, Taken, answer_of, send_asked

INTERRUPTED, INCONCLUSIVE, USAGE = 2, 3, 4
"""Exit statuses, as everywhere: the enumeration of them is too far up to be imported here."""
SAID_AFTER_S = 1.0
"""A stack that has not answered by then is coming up, or busy: who waits is told."""
TRIES_MAX = 3


def ask(arguments: Sequence[str]) -> int | None:
    """Run `harness run` with these arguments on a stack that stays up; return the exit status, and raise nothing.

    None where there is no such stack, or help is wanted.
    """
    if {"-h", "--help"} & set(arguments):
        return None
    try:
        return _status(arguments)
    except HarnessError as problem:
        _say(str(problem))
        return USAGE if isinstance(problem, UsageError) else INCONCLUSIVE
    except KeyboardInterrupt:
        return INTERRUPTED


def _status(arguments: Sequence[str]) -> int | None:
    for _ in range(TRIES_MAX):
        entry = _meant(arguments)
        if entry is None:
            return None
        answer = _asked(entry, arguments)
        if isinstance(answer, Ended):
            return answer.status
        # A host that goes takes those with it who wait for it. Its `up` may bring another: while one is announced,
        # it is asked.
        _say(answer.why if answer else f"the stack that stayed up for {entry} went before it ran this")
    _say(f"asked {TRIES_MAX} times in vain")
    return None


def _meant(arguments: Sequence[str]) -> Entry | None:
    """The stack for the target that is named, else the one for this folder."""
    target = _target_named(arguments)
    here = str(Path.cwd())
    found = [entry for entry in announced() if (entry.directory == here if target is None else entry.target == target)]
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
        return None  # a word is missing: told by whoever reads the whole command line
    if named.target is not None:
        return str(Path(named.target).resolve())
    return None if named.scenarios is None else str((Path(named.scenarios) / "target.toml").resolve())


def _check_same(entry: Entry) -> None:
    """Another interpreter has other libraries, another harness is another program."""
    if (entry.python, entry.package) != (sys.executable, str(PACKAGE)):
        raise UsageError(
            f"the stack that stays up for {entry} is that of {entry.package} in {entry.python},"
            f" this is {PACKAGE} in {sys.executable}",
            hint=f"use that one: {entry.python} -m harness run; or end it: kill {entry.pid}",
        )


def _asked(entry: Entry, arguments: Sequence[str]) -> Ended | Again | None:
    """Ask, and wait; None where the stack went before it had heard."""
    with socket.socket(socket.AF_UNIX) as connection, _terminated_is_interrupted():
        try:
            connection.connect(str(entry.socket))
            send_asked(connection, _as_it_would_run_here(arguments))
        except OSError:
            return None  # it has just ended
        answer = _first(connection)
        if isinstance(answer, Taken):
            try:
                answer, otherwise = _next(connection), INCONCLUSIVE
            except KeyboardInterrupt:
                answer, otherwise = _interrupted(connection), INTERRUPTED
            if answer is None:
                _say(f"the stack that stayed up for {entry} went in mid-run: the run says nothing")
                return Ended(otherwise)
        return answer if isinstance(answer, Ended | Again) else None


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


def _first(connection: socket.socket) -> Taken | Ended | Again | None:
    connection.settimeout(SAID_AFTER_S)
    try:
        return _next(connection)
    except TimeoutError:
        _say("waiting for the stack that stays up: it is coming up, or busy")
    connection.settimeout(None)
    return _next(connection)


def _next(connection: socket.socket) -> Taken | Ended | Again | None:
    """One answer; None where no more will come."""
    line = b""
    while not line.endswith(b"\n"):
        try:
            byte = connection.recv(1)  # answers are few and short
        except ConnectionError:
            return None
        if not byte:
            return None
        line += byte
    connection.settimeout(None)
    return answer_of(line)


def _interrupted(connection: socket.socket) -> Taken | Ended | Again | None:
    """Have it end as Ctrl-C ends a run of one's own; a second Ctrl-C does not wait for that."""
    try:
        connection.sendall(INTERRUPT)
        return _next(connection)
    except (KeyboardInterrupt, BrokenPipeError):
        return Ended(INTERRUPTED)


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
