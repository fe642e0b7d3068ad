"""`harness up`: brings the stack up and keeps it, so that `harness run` need not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import click

from harness.cli.announcing import announced
from harness.cli.host import CHANGED, READY
from harness.cli.options import STACK, SUITE, options, stack_of
from harness.cli.stage import terminated_is_interrupted
from harness.quick import PACKAGE, Entry
from harness.suite import ExitStatus, SuiteSettings
from harness.target import load_target

DOWN_WITHIN_S = 40.0
"""A run that is under way heals first, and ends itself where it cannot."""


@click.command()
@options(SUITE[:2], STACK)
def up(*, scenarios: Path, target: Path | None, **given: Any) -> int:
    """Bring the servers of a target up, and keep them until Ctrl-C or SIGTERM.

    `harness run ID` runs scenarios on them, each time as the files of scenarios and service are now. One stack for
    each target; nothing of it outlives this command, whatever ends it.

    Exit status: 0 ended by Ctrl-C or SIGTERM; 3 it did not come up; 4 usage or configuration.
    """
    settings = SuiteSettings(scenarios=scenarios, target=target, stack=stack_of(given))
    load_target(settings.target_file)
    entry = Entry(
        target=str(settings.target_file.resolve()),
        directory=str(Path.cwd()),
        pid=os.getpid(),
        python=sys.executable,
        package=str(PACKAGE),
    )
    with terminated_is_interrupted(), announced(entry) as listener:
        try:
            return _keep(settings, listener)
        except KeyboardInterrupt:
            click.echo("down")
            return ExitStatus.HELD


def _keep(settings: SuiteSettings, listener: socket.socket) -> int:
    """Have a host, and another one when it goes; return the status of one that does not come up."""
    while True:
        with _Started(settings.options(), listener) as host:
            if not host.comes_up():
                return _told(host.process.wait())
            status = host.process.wait()
        if status != CHANGED:
            text = f"the process that had the servers has ended, with status {status}: a run ended it, or did not end"
            click.echo(f"harness: {text}; bringing up another one", err=True)


def _told(status: int) -> int:
    """What a host that did not come up has said why, and its status means; a signal says nothing."""
    return status if status > 0 else ExitStatus.INCONCLUSIVE


class _Started:
    """A host under way: a context manager whose end is its end."""

    def __init__(self, words: Sequence[str], listener: socket.socket) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            numbers = (listener.fileno(), theirs.fileno())
            named = ("--listener", str(numbers[0]), "--lifeline", str(numbers[1]))
            command = (sys.executable, "-m", "harness", "host", *named, *words)
            # In a session of its own: Ctrl-C is for this process, which ends that one in good order.
            self.process = subprocess.Popen(command, pass_fds=numbers, start_new_session=True)  # noqa: S603  # ourselves

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
        try:
            self.process.wait(DOWN_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()  # its keeper ends the rest
            self.process.wait()

    def comes_up(self) -> bool:
        """Wait until it has brought the servers up; false when it has ended instead."""
        return self._line.recv(1) == READY
