"""The process that has the servers that stay up, and runs on them what `harness run` asks for.

`harness up` starts it, and another one when it goes: a scenario that hangs, or ends Python, takes only its own run
with it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from harness.cli.as_asked import as_asked
from harness.cli.door import STUCK, Caller, Door, heeding_interrupts, only_wake
from harness.cli.options import STACK, WHERE, options, settings_of
from harness.cli.standing_lines import standing_lines
from harness.errors import HarnessError
from harness.quick import PACKAGE, Again, Ended, Taken
from harness.suite import ExitStatus, Standing
from harness.target import load_target

CHANGED = 75
"""Exit status: the harness itself was changed, and another process must be started to have it so."""
READY = b"r"
SOURCES = (".py", ".j2", ".css", ".js", ".txt")
"""Suffixes of what the harness is made of; what an editor lays beside it for a moment is no change."""


@click.command(hidden=True)
@click.option("--listener", type=int, required=True, metavar="FD", help="The socket that callers come to.")
@click.option("--lifeline", type=int, required=True, metavar="FD", help="Ends when `harness up` does.")
@options(WHERE, STACK)
def host(*, listener: int, lifeline: int, **given: Any) -> int:
    """Have the servers of `harness up`, and run what is asked for. Started by `harness up` alone."""
    # A .pyc is told from its source by a second and a size: what is saved twice in a second must be seen, too.
    sys.dont_write_bytecode = True
    signal.signal(signal.SIGINT, only_wake)
    door = Door(socket.socket(fileno=listener))
    line = socket.socket(fileno=lifeline)
    over = threading.Event()
    threading.Thread(target=_end_with, args=(line, door, over), name="harness-lifeline", daemon=True).start()
    try:
        with Standing(settings_of(given)) as standing:
            return _Host(standing, door, line).serve()
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    finally:
        over.set()


def _end_with(line: socket.socket, door: Door, over: threading.Event) -> None:
    try:
        with suppress(OSError):  # where READY was never read, the other end's close is an error of this one
            while line.recv(1):
                pass
    finally:
        door.end(over)


class _Host:
    """Serves callers until all must end, or the harness has changed."""

    def __init__(self, standing: Standing, door: Door, line: socket.socket) -> None:
        self._standing = standing
        self._door = door
        self._line = line
        self._harness = _state_of(PACKAGE)

    def serve(self) -> int:
        self._bring_up()
        with suppress(OSError):  # `up` has just gone: the door says so
            self._line.sendall(READY)
        self._door.open()
        while (caller := self._door.next()) is not None:
            if _state_of(PACKAGE) != self._harness:
                self._send_on(caller)
                return CHANGED
            self._serve(caller)
            self._mend()
        if self._door.broken:
            click.echo(f"harness: nobody can be let in any more: {self._door.broken}", err=True)
            return STUCK
        return ExitStatus.HELD

    def _serve(self, caller: Caller) -> None:
        caller.answer(Taken())
        status = self._run(caller)
        caller.answer(Ended(status))
        caller.end()
        click.echo(f"run {' '.join(caller.asked.arguments)}: exit status {status}")

    def _run(self, caller: Caller) -> int:
        from harness.cli.main import main  # noqa: PLC0415  # which has this verb, too

        asked = caller.asked
        try:
            with as_asked(asked), self._door.serving(caller):
                return main(["run", *asked.arguments], standing=self._standing)
        except KeyboardInterrupt:
            return ExitStatus.INTERRUPTED
        except OSError as problem:  # its folder, or its terminal, has gone
            click.echo(f"harness: a run could not begin, or not end, as it was asked for: {problem}", err=True)
            return ExitStatus.INCONCLUSIVE

    def _send_on(self, first: Caller) -> None:
        self._door.close()
        for caller in (first, *self._door.waiting()):
            caller.answer(Again("the harness has changed since the stack came up: bringing up a new one"))
            caller.end()

    def _mend(self) -> None:
        """Replace servers that died, or on which a run has left something."""
        if self._standing.is_sound():
            return
        click.echo("the last run has left the servers otherwise than it found them: taking them down")
        self._standing.close()
        try:
            self._bring_up()
        except HarnessError as problem:
            click.echo(f"harness: {problem}\nthe next run tries again", err=True)

    def _bring_up(self) -> None:
        target = load_target(self._standing.target_file)
        with heeding_interrupts():
            bed = self._standing.bring_up(target, click.echo)
        for text in standing_lines(bed, self._standing.settings):
            click.echo(text)


def _state_of(package: Path) -> Mapping[str, tuple[int, int]]:
    """When each file of the package was changed last (ns), and its size in bytes."""
    state: dict[str, tuple[int, int]] = {}
    for file in _sources(package):
        with suppress(FileNotFoundError):  # it is being replaced, or was there for a moment
            status = os.stat(file)  # noqa: PTH116  # hundreds of files, before each run
            state[file] = (status.st_mtime_ns, status.st_size)
    return state


def _sources(package: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(package):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (os.path.join(folder, name) for name in files if name.endswith(SOURCES))  # noqa: PTH118  # as above


__all__ = ["CHANGED", "READY", "host"]
