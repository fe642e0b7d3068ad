"""The keeper's own children. Each is signalled only before it is reaped, so its pid cannot be another process's."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.processes.keeper.inside.descendants import kill_session
from harness.processes.keeper.messages import Done, Refused, SendSignal, SetRules
from harness.processes.syscalls.supervisor import Supervisor

STOPPED = "keeper: this process was stopped by a signal (SIGSTOP) that the harness did not send; it was killed\n"


@dataclass(slots=True, kw_only=True)
class Child:
    """One child. `pid` is None before its birth and after its end; `supervisor` may outlive it, with descendants."""

    number: int
    pid: int | None
    session: int
    teardown_signal: int
    log: str
    may_be_stopped: bool
    told_to_stop: bool = False
    """The harness itself has sent it SIGSTOP, and no SIGCONT since."""
    sweep: bool = False
    supervisor: Supervisor | None = None
    orders: socket.socket | None = None
    """The channel for its orders to fork."""


@dataclass(slots=True)
class Children:
    """Every child so far, by its number."""

    _by_number: dict[int, Child] = field(default_factory=dict, init=False)

    def add(self, child: Child) -> None:
        """Add a child that the keeper owns from now on."""
        self._by_number[child.number] = child

    def orders_of(self, number: int) -> socket.socket | None:
        """Return the channel for that child's orders to fork; None if it accepts none, or is gone."""
        child = self._by_number.get(number)
        return child.orders if child is not None and child.pid is not None else None

    def signal(self, request: SendSignal) -> Done | Refused:
        """Send a signal; "not found" if the child is gone, or has ended and was not reaped yet."""
        child = self._by_number.get(request.child)
        if child is None or child.pid is None:
            return Done(request=request.request, found=False)
        child.sweep = child.sweep or request.sweep
        if _has_ended(child.pid):
            return Done(request=request.request, found=False)
        told_to_stop = child.told_to_stop
        child.told_to_stop = request.signum == signal.SIGSTOP or (told_to_stop and request.signum != signal.SIGCONT)
        try:
            os.kill(child.pid, request.signum)
        except OSError as error:
            child.told_to_stop = told_to_stop
            return Refused(request=request.request, step="signal", errno=error.errno or 0, detail=str(error))
        return Done(request=request.request)

    def set_rules(self, request: SetRules) -> Done:
        """Put the rules in force. Return "not found" if none of the child's calls are watched."""
        child = self._by_number.get(request.child)
        if child is None or child.supervisor is None:
            return Done(request=request.request, found=False)
        child.supervisor.set_rules(request.rules)
        return Done(request=request.request)

    def reap(self) -> Iterator[tuple[Child, int]]:
        """Yield every child that has ended, with its status. Orphans that the keeper inherited are reaped silently."""
        while pid := _ended():
            child = next((child for child in self._by_number.values() if child.pid == pid), None)
            if child is not None and child.sweep:
                kill_session(child.session)  # while the zombie still holds the number of the session
            _, status = os.waitpid(pid, 0)
            if child is not None:
                child.pid = None
                if child.orders is not None:
                    child.orders.close()
                yield child, os.waitstatus_to_exitcode(status)

    def end_stopped(self) -> None:
        """Kill each child that another program has stopped, and write so in its log."""
        for pid in _stopped():
            child = next((child for child in self._by_number.values() if child.pid == pid), None)
            if child is not None and not child.may_be_stopped and not child.told_to_stop:
                _append(child.log, STOPPED)
                os.kill(pid, signal.SIGKILL)

    def say_goodbye(self) -> list[Child]:
        """Send each child its own teardown signal, if it has one. Return these children."""
        leaving = [c for c in self._by_number.values() if c.pid is not None and c.teardown_signal != signal.SIGKILL]
        for child in leaving:
            if child.pid is not None:
                os.kill(child.pid, child.teardown_signal)
                os.kill(child.pid, signal.SIGCONT)  # a stopped one could not follow
        return leaving


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _stopped() -> Iterator[int]:
    """The children that were stopped since the last look."""
    try:
        while found := os.waitid(os.P_ALL, 0, os.WSTOPPED | os.WNOHANG):
            yield found.si_pid
    except ChildProcessError:
        return


def _append(log: str, line: str) -> None:
    with contextlib.suppress(OSError), open(log, "a", encoding="utf-8") as file:  # noqa: PTH123 - a disk that is full must not end the keeper
        file.write(line)


def _ended() -> int | None:
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return found.si_pid if found else None
