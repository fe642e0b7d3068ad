"""The harness's side of the keeper: starts it, asks it to run processes, and closes it."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Self

from harness.errors import HarnessError
from harness.processes.bare import launch, what_it_wrote
from harness.processes.keeper import refusals
from harness.processes.keeper.connection import Connection, call_back
from harness.processes.keeper.inside.descendants import is_stopped
from harness.processes.keeper.kept import KeptProcess
from harness.processes.keeper.messages import AskOwner, Called, Exited, Owner, Ready, Refused, Request, Spawn, Started
from harness.processes.keeper.preloading import PreloadedPython, PreloadSpec
from harness.processes.keeper.spec import AsUser, ProcessSpec
from harness.processes.keeper.state import STATUS_WITH_KEEPER, ChildState

READY_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 60.0
"""More than its own grace and its own deadline for SIGKILL: at a load of 20, 15 s were not enough."""
NUMBERS_OF_A_FORK = 1_000_000
"""More processes than a fork starts: the keeper must not mistake a process for an earlier one with the same number."""


class Keeper:
    """Owns every process of the harness; a context manager.

    The keeper is a separate process. When the harness ends, for whatever reason, the keeper kills all processes that it
    started and all their descendants, detached or not. Linux only.
    """

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket, output: IO[bytes]) -> None:
        self.pid = -1
        self._process = process
        self._output = output
        self.connection = Connection(
            control, on_report=self._on_report, on_end=self._on_end, on_silence=self._on_silence, explain=self._explain
        )
        self._ready = threading.Event()
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._states: dict[int, ChildState] = {}
        self._closed = False
        self._was_stopped = False

    @classmethod
    def start(cls) -> Self:
        """Start the keeper's process. If it does not come up, raises `HarnessError` with its output."""
        ours, theirs = socket.socketpair()
        output = tempfile.TemporaryFile()  # noqa: SIM115 - the keeper owns it, and closes it
        try:
            arguments = (str(theirs.fileno()), str(os.getpid()))
            process = launch(
                "harness.processes.keeper.inside.guard", *arguments, output=output, pass_fds=(theirs.fileno(),)
            )
        except BaseException:
            ours.close()
            output.close()
            raise
        finally:
            theirs.close()
        keeper = cls(process, ours, output)
        try:
            keeper._await_ready()
        except BaseException:
            keeper._abandon()
            raise
        return keeper

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        was_lost = self.connection.ended
        self.close()
        if was_lost and self._was_stopped and isinstance(error, HarnessError):
            raise self.connection.lost() from error  # other problems are consequences of this one

    @property
    def alive(self) -> bool:
        """Whether it still answers."""
        return not self.connection.ended

    def spawn(self, spec: ProcessSpec) -> KeptProcess:
        """Run a process; return when its program runs. Raises `HarnessError` with the fix if it cannot."""
        return self._start(spec)

    def preload(self, spec: PreloadSpec) -> PreloadedPython:
        """Start a Python that imports a program's libraries; return at once, while it still imports them."""
        return PreloadedPython(spec, self._start)

    def _start(self, spec: ProcessSpec, *, preloads: bool = False, forked_by: KeptProcess | None = None) -> KeptProcess:
        child = next(self._numbers)
        state = self._state(child)
        parent = 0 if forked_by is None else forked_by.number
        make = _spawn_request(child, spec, preloads=preloads, forked_by=parent)
        reply = self.connection.request(make)
        if isinstance(reply, Refused):
            raise refusals.spawn_error(spec, reply, forked_by)
        if not isinstance(reply, Started):
            raise TypeError(f"not an answer to a start: {reply!r}")
        return KeptProcess(spec, child, reply.pid, self.connection, state)

    def file_owner(self, as_user: AsUser) -> tuple[int, int]:
        """Uid and gid, seen from here, that own the files of a process that is run `as_user`.

        They are 65534 for "mapped" if root has no user namespaces: give that user the process's folders.
        """
        reply = self.connection.request(lambda request: AskOwner(request=request, as_user=as_user))
        if not isinstance(reply, Owner):
            raise TypeError(f"not an owner: {reply!r}")
        return reply.uid, reply.gid

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Leave the keeper to a fork of this process that is made in the block and calls `take_over`.

        Until the block ends, this process does not use the keeper. Only the fork knows the processes that it has
        started.
        """
        self.connection.pause()
        try:
            yield
        finally:
            self._numbers = itertools.count(next(self._numbers) + NUMBERS_OF_A_FORK)
            self.connection.start()

    def take_over(self) -> None:
        """Use the keeper in this process, a fork of the one that has it and that waits inside `lent`."""
        self.connection.start()

    def close(self) -> None:
        """Kill every process that is left and end the keeper. Idempotent.

        Raises `HarnessError` if something could not be killed.
        """
        if self._closed:
            return
        self._closed = True
        was_lost = self.connection.ended
        self.connection.finish(CLOSE_TIMEOUT_S)
        self._process.send_signal(signal.SIGCONT)  # a guard that somebody has stopped could not end
        try:
            status = self._process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        said = self._said()
        self.connection.close()
        self._output.close()
        if status != 0 and not was_lost:
            raise HarnessError(f"the keeper ended with status {status}{said}", hint="see what is left with `ps -ef`")

    # ------------------------------------------------------------- inside

    def _await_ready(self) -> None:
        self.connection.start()
        self._ready.wait(READY_TIMEOUT_S)
        if self.pid == -1:
            raise HarnessError(
                f"the keeper did not come up within {READY_TIMEOUT_S:.0f} s{self._said()}",
                hint="it needs Linux and this Python's standard library",
            )

    def _abandon(self) -> None:
        self._closed = True
        self._process.kill()
        self._process.wait()
        self.connection.finish(CLOSE_TIMEOUT_S)
        self.connection.close()
        self._output.close()

    @property
    def guard_pid(self) -> int:
        """The process between the harness and the keeper, which ends everything when either has ended."""
        return self._process.pid

    def _on_report(self, message: object) -> None:
        match message:
            case Ready():
                self.pid = message.pid
                self._ready.set()
            case Exited():
                call_back(self._state(message.child).finish(message.status))
            case Called():
                call_back(self._state(message.child).add(message.event))
            case _:
                raise TypeError(f"not a report: {message!r}")

    def _state(self, child: int) -> ChildState:
        with self._lock:
            return self._states.setdefault(child, ChildState())

    def _on_end(self) -> None:
        with self._lock:
            states = list(self._states.values())
        for state in states:
            call_back(state.finish(STATUS_WITH_KEEPER))
        self._ready.set()

    def _on_silence(self) -> None:
        """End a keeper that another program has stopped: it answers no requests, and its processes' watched calls hang.

        A stopped guard is continued, because it only waits for the keeper's end and then kills what is left.
        """
        if is_stopped(self._process.pid):
            self._process.send_signal(signal.SIGCONT)
        if self.pid != -1 and is_stopped(self.pid):
            self._was_stopped = True
            os.kill(self.pid, signal.SIGKILL)

    def _explain(self) -> str:
        if self._was_stopped:  # before the rest: it is why it was closed, too
            return ": it was stopped by a signal (SIGSTOP) that the harness did not send, and was killed"
        return ": it was closed" if self._closed else self._said()

    def _said(self) -> str:
        """Return its output, which is empty unless it broke."""
        said = what_it_wrote(self._output)
        return f"; it said:\n{said}" if said else ""


def _spawn_request(child: int, spec: ProcessSpec, *, preloads: bool, forked_by: int) -> Callable[[int], Request]:
    return lambda request: Spawn(
        request=request,
        child=child,
        argv=spec.argv,
        env=dict(spec.env),
        cwd=str(spec.cwd),
        log=str(spec.log),
        as_user=spec.as_user,
        watched_calls=tuple(sorted(spec.watched_calls)),
        may_be_unwatched=spec.may_be_unwatched,
        rules=spec.rules,
        teardown_signal=spec.teardown_signal,
        may_be_stopped=spec.may_be_stopped,
        preloads=preloads,
        forked_by=forked_by,
        streams=spec.streams,
    )
