"""Performs the runs for `harness run`, one after the other, each in a fork of this process.

This process has imported everything and has the servers. A fork starts in a few milliseconds, sees the files of
scenarios and service as they are now, and leaves nothing behind in this process, whatever it does.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn, Self

import click

from harness.errors import HarnessError
from harness.exit_status import ExitStatus
from harness.modules import is_a_users
from harness.up.child import become, flush_streams
from harness.up.messages import TAKEN, Asked, read_asked
from harness.up.servers import UpServers

ASKED_WITHIN_S = 10.0
OVER_WITHIN_S = 20.0
"""How long a run that is asked to end may heal. After that it is killed, and its servers are replaced."""
SAID_BYTES_MAX = 100_000
CREDENTIALS = struct.Struct("3i")

Run = Callable[[Sequence[str], UpServers], int]
"""Runs `harness run` with these arguments on these servers, and returns its exit status."""


def serve(listener: socket.socket, servers: UpServers, run: Run) -> None:
    """Serve callers until KeyboardInterrupt. A caller that connects in between waits in the listener's queue."""
    while True:
        connection, _ = listener.accept()
        with connection:
            asked = _heard(connection)
            if asked is not None:
                _serve(connection, asked, servers, run)


def _heard(connection: socket.socket) -> Asked | None:
    """Read a request. None for a caller that only checked the socket, is another user, or sent an invalid message."""
    connection.settimeout(ASKED_WITHIN_S)
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    _, uid, _ = CREDENTIALS.unpack(credentials)
    if uid != os.geteuid():
        return None
    try:
        asked = read_asked(connection)
    except (OSError, ValueError):
        return None  # the caller sees that the connection ends without an answer
    if asked is None:
        return None
    try:
        connection.sendall(TAKEN)
    except OSError:
        asked.close()
        return None  # it has ended while it waited
    return asked


def _serve(connection: socket.socket, asked: Asked, servers: UpServers, run: Run) -> None:
    with servers.lent(), _Forked(asked, servers, run) as forked:
        ended = forked.wait(connection)
    shown = f"run {' '.join(asked.arguments)}"
    if ended is None:
        click.echo(f"{shown}: it ended without a verdict")
    else:
        click.echo(f"{shown}: exit status {ended.status}")
        with suppress(OSError):  # the caller may be gone
            connection.sendall(f"{ended.status}\n".encode())
        _import_too(ended.imported)
    if ended is None or not ended.sound:
        _replace(servers)


def _import_too(names: Sequence[str]) -> None:
    """Import what the last run had to import (pytest's plugins, for example), so that the next one need not."""
    for name in names:
        with suppress(Exception):  # it need not be importable by itself; the next run imports it again
            importlib.import_module(name)
    gc.freeze()  # otherwise a fork's garbage collection would copy every page of the loaded modules


def _replace(servers: UpServers) -> None:
    click.echo("the last run has changed the servers: replacing them")
    try:
        servers.bring_up(click.echo)
    except HarnessError as problem:
        click.echo(f"harness: {problem}\nthe next run tries again", err=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """The report of a fork at its end.

    `status`: the run's exit status. `sound`: whether the servers are unchanged. `imported`: the modules of libraries
    and of the harness that the run had to import first.
    """

    status: int
    sound: bool
    imported: Sequence[str]


class _Forked:
    """A run in a fork. A context manager: its end ends the fork, gracefully if possible."""

    def __init__(self, asked: Asked, servers: UpServers, run: Run) -> None:
        self._line, theirs = socket.socketpair()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            _run_and_exit(theirs, asked, parent, servers, run)
        theirs.close()
        asked.close()
        self._handle = os.pidfd_open(self._pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_over(0):
            self._end()
        os.waitpid(self._pid, 0)
        os.close(self._handle)
        self._line.close()

    def wait(self, caller: socket.socket) -> _Ended | None:
        """Wait until the run is over, or end it when its caller asks. Return None if it did not report how it ended."""
        if not _ready((caller, self._handle), None).isdisjoint({caller.fileno()}) and not self._is_over(0):
            self._end()
        self._is_over(None)
        said = self._line.recv(SAID_BYTES_MAX, socket.MSG_DONTWAIT) if _ready((self._line,), 0) else b""
        return _Ended(**json.loads(said)) if said else None

    def _end(self) -> None:
        os.kill(self._pid, signal.SIGINT)
        if not self._is_over(OVER_WITHIN_S):
            os.kill(self._pid, signal.SIGKILL)

    def _is_over(self, within_s: float | None) -> bool:
        return bool(_ready((self._handle,), within_s))


def _ready(descriptors: Sequence[int | socket.socket], within_s: float | None) -> set[int]:
    """Return those that can be read without waiting, as soon as there is one."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {number for number, _ in poll.poll(None if within_s is None else within_s * 1000)}


def _run_and_exit(line: socket.socket, asked: Asked, parent: int, servers: UpServers, run: Run) -> NoReturn:
    """Never returns, because only the parent may close what it has open."""
    try:
        line.sendall(json.dumps(dataclasses.asdict(_run(asked, parent, servers, run))).encode())
    except BaseException:  # noqa: BLE001  # shown, and told to the parent by what this process does not say
        traceback.print_exc()
    finally:
        os._exit(0)


def _run(asked: Asked, parent: int, servers: UpServers, run: Run) -> _Ended:
    before = set(sys.modules)
    try:
        become(asked, parent)
        servers.take_over()
        status = run(asked.arguments, servers)
    except KeyboardInterrupt:
        status = ExitStatus.INTERRUPTED
    except OSError as problem:
        click.echo(f"harness: the run could not begin in {asked.directory}: {problem}", err=True)
        status = ExitStatus.INCONCLUSIVE
    flush_streams()
    imported = [name for name, module in sys.modules.items() if name not in before and not is_a_users(module)]
    return _Ended(status=int(status), sound=servers.is_sound(), imported=imported)
