"""Performs the runs of one lane in a separate process: lanes in one Python would wait for its lock."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import NoReturn

from harness.checks import Verdict
from harness.errors import HarnessError
from harness.processes.parent import die_with
from harness.results import RunResult
from harness.scenario.scenario import Scenario
from harness.suite.lanes.orders import Order, Tell, Told
from harness.suite.lanes.performing import Here, Ways, unrun

_FORKING = threading.Lock()
"""One lane forks at a time: another's process would inherit the child's end of the pipe, and hide the child's death."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The scenario's position in the fork's list."""

    scenario: int
    order: Order


@dataclass(frozen=True, slots=True)
class _Done:
    result: RunResult


@dataclass(frozen=True, slots=True)
class _Broke:
    problem: BaseException


class Apart:
    """A performer that forks its process when the first run is asked for, and again after that one has died.

    Args:
        ways: what the process needs.
        scenarios: those whose runs may be asked for. The process has them from the fork, because they are code.
        tell: called in the performing thread with each report of the process.
    """

    def __init__(self, ways: Ways, scenarios: Sequence[Scenario], tell: Tell) -> None:
        self._ways = ways
        self._scenarios = scenarios
        self._tell = tell
        self._child: _Child | None = None
        self._over = False

    def perform(self, scenario: Scenario, order: Order) -> RunResult:
        """Run the scenario. If the process dies during it, the run is inconclusive, and the next run gets a new one."""
        number = next(place for place, each in enumerate(self._scenarios) if each is scenario)
        child = self._forked()
        try:
            child.pipe.send(_Asked(number, order))
            while not isinstance(said := child.pipe.recv(), _Done):
                self._heard(said)
        except (EOFError, OSError):
            end = self._buried(child)
            if self._over:
                _ended()
            reason = f"the harness broke: the process of {self._ways.lane} {end} during this run"
            return unrun(scenario, order, Verdict.INCONCLUSIVE, reason)
        return said.result

    def rest(self) -> None:
        """Make the process stop its servers and end. Raises its problem, if it had one."""
        child = self._child
        if child is None:
            return
        with suppress(EOFError, OSError):  # it ends in either case
            child.pipe.send(None)
            while True:
                self._heard(child.pipe.recv())
        self._buried(child)

    def interrupt(self) -> None:
        """Make the process stop its run and its servers, and end. It is not replaced. Callable from any thread."""
        with _FORKING:
            self._over = True
            child = self._child
        if child is not None and child.process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGINT)

    def kill(self) -> None:
        """End the process at once, if it has not ended. Its keeper ends the remaining processes."""
        self._over = True
        if self._child is not None:
            self._child.process.kill()
            self._buried(self._child)

    def _heard(self, said: Told | _Broke) -> None:
        if isinstance(said, _Broke):
            raise said.problem
        self._tell(said)

    def _forked(self) -> _Child:
        if self._child is not None:
            return self._child
        with _FORKING:
            if self._over:
                _ended()
            self._child = _fork(self._ways, self._scenarios)
        return self._child

    def _buried(self, child: _Child) -> str:
        """Wait for the end of the process, and return how it ended."""
        child.process.join()
        child.pipe.close()
        self._child = None
        code = child.process.exitcode or 0
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def _ended() -> NoReturn:
    raise HarnessError("the session has ended", hint="start a new one")


@dataclass(frozen=True, slots=True)
class _Child:
    """The process of a lane, seen from its parent."""

    process: ForkProcess
    pid: int
    pipe: Connection


def _fork(ways: Ways, scenarios: Sequence[Scenario]) -> _Child:
    """Fork a process that performs runs. The caller must hold `_FORKING`."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_live, args=(theirs, os.getpid(), ways, scenarios), name=ways.lane)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the child can be interrupted
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
    return _Child(process, process.pid or 0, ours)


def _live(pipe: Connection, parent: int, ways: Ways, scenarios: Sequence[Scenario]) -> None:
    """Perform the orders until there are none. The parent passes Ctrl-C on: a terminal's would come twice."""
    os.setpgid(0, 0)
    die_with(parent)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupted)
    speech = _Speech(pipe)
    here = Here(ways, speech.say)
    try:
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            _perform_all(pipe, speech, here, scenarios)
        finally:
            here.close()
    except KeyboardInterrupt:
        return
    except BaseException as problem:  # noqa: BLE001  # raised in the parent
        speech.say(_Broke(_portable(problem)))


def _interrupted(signum: int, frame: FrameType | None) -> None:
    del signum, frame
    signal.raise_signal(signal.SIGINT)


def _perform_all(pipe: Connection, speech: _Speech, here: Here, scenarios: Sequence[Scenario]) -> None:
    while (asked := pipe.recv()) is not None:
        speech.say(_Done(here.perform(scenarios[asked.scenario], asked.order)))


class _Speech:
    """Sends one message at a time: servers report their start from other threads."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def say(self, what: Told | _Done | _Broke) -> None:
        """Send it to the parent."""
        with self._lock:
            self._pipe.send(what)


def _portable(problem: BaseException) -> BaseException:
    """Return the problem in a form that can be sent: an error that is not ours as the text of its traceback."""
    if isinstance(problem, HarnessError):
        return problem
    return RuntimeError("in the process of a lane:\n" + "".join(traceback.format_exception(problem)))
