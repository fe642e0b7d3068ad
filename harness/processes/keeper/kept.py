"""A process that the keeper owns, as the harness sees it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence

from harness.errors import HarnessError
from harness.processes.keeper.connection import Connection
from harness.processes.keeper.log import LogFile
from harness.processes.keeper.messages import Done, Refused, SendSignal, SetRules, Sync
from harness.processes.keeper.spec import ProcessSpec
from harness.processes.keeper.state import ChildState, OnExit, OnSyscall, Unsubscribe
from harness.processes.syscalls.event import SyscallEvent
from harness.processes.syscalls.rules import Rule

KILLED_WITHIN_S = 30.0  # after SIGKILL only a process stuck in the kernel is still there


class KeptProcess:
    """A process that the keeper owns. Usable from any thread, except that its callbacks must not call the keeper.

    If the keeper itself died, the process is gone too (the kernel kills it) and its status is -9.
    """

    def __init__(self, spec: ProcessSpec, number: int, pid: int, connection: Connection, state: ChildState) -> None:
        self.name = spec.name
        self.pid = pid
        self.spec = spec
        self.log = LogFile(spec.log)
        self.number = number
        """The keeper's number for it."""
        self._connection = connection
        self._state = state

    def __repr__(self) -> str:
        return f"<KeptProcess {self.name} pid={self.pid} status={self.poll()}>"

    def poll(self) -> int | None:
        """Exit status, negative for a signal's number; None while it runs."""
        return self._state.status

    def wait(self, timeout_s: float) -> int:
        """Return the exit status. Raises `TimeoutError`."""
        status = self._state.wait(timeout_s)
        if status is None:
            raise TimeoutError(f"{self.name} (pid {self.pid}) still runs after {timeout_s:g} s")
        return status

    def send_signal(self, signum: int) -> bool:
        """Signal exactly this process, never a later one with its pid; False if it is already gone.

        Raises `HarnessError` if the signal is refused.
        """
        return self._signal(signum, sweep=False)

    def stop(self, *, signum: int = signal.SIGTERM, grace_s: float = 5.0) -> int:
        """Send `signum`, after `grace_s` SIGKILL; return the exit status. At once if it is gone.

        A stopped process (SIGSTOP) is continued, so that it gets the signal. Other processes of its session are killed,
        too. Raises `HarnessError` if it does not die.
        """
        self.tell_to_stop(signum)
        return self.see_stopped(grace_s)

    def tell_to_stop(self, signum: int) -> bool:
        """Do the first half of `stop`: send the signal.

        False if the process is gone already, and so has ended by itself.
        """
        told = self._signal(signum, sweep=True)
        if told:
            self._signal(signal.SIGCONT, sweep=True)
        return told

    def see_stopped(self, grace_s: float = 5.0) -> int:
        """Do the other half of `stop`: wait, and kill it after `grace_s`."""
        status = self._state.wait(grace_s)
        if status is not None:
            return status
        self._signal(signal.SIGKILL, sweep=True)
        status = self._state.wait(KILLED_WITHIN_S)
        if status is None:
            raise HarnessError(
                f"{self.name} (pid {self.pid}) is still there {KILLED_WITHIN_S:.0f} s after SIGKILL",
                hint="it is stuck in the kernel, perhaps in a disk or network file system",
            )
        return status

    def end_with_session(self) -> None:
        """When it ends, kill the remaining processes of its session."""
        self._signal(0, sweep=True)

    def on_exit(self, callback: OnExit) -> Unsubscribe:
        """Call `callback(status)` once, from the reader thread; at once, from this one, if it is gone."""
        return self._state.subscribe_exit(callback)

    def set_rules(self, rules: Sequence[Rule]) -> None:
        """Replace all rules; they are in force on return. Needs `watched_calls`."""
        if not self.spec.watched_calls:
            raise HarnessError(
                f"{self.name} was started without watched calls: no rule can reach it",
                hint='start it with ProcessSpec(watched_calls=frozenset({"connect"}), ...)',
            )
        chosen = tuple(rules)
        self._connection.request(lambda number: SetRules(request=number, child=self.number, rules=chosen))

    def syscall_events(self, since: int = 0) -> Sequence[SyscallEvent]:
        """Return every watched call so far, including passed ones, in order, from index `since` on.

        If the keeper is gone: the calls that were reported before.
        """
        if self.spec.watched_calls and not self._connection.ended:
            self._connection.request(lambda number: Sync(request=number))
        return self._state.events(since)

    def on_syscall(self, callback: OnSyscall) -> Unsubscribe:
        """Call `callback(event)` for each watched call from now on, from the reader thread."""
        return self._state.subscribe_syscalls(callback)

    def _signal(self, signum: int, *, sweep: bool) -> bool:
        if self.poll() is not None:
            return False
        make = _signal_request(self.number, signum, sweep=sweep)
        try:
            reply = self._connection.request(make)
        except HarnessError:
            if self.poll() is not None:  # the keeper died, and the process with it
                return False
            raise
        if isinstance(reply, Refused):
            raise HarnessError(f"signal {signum} to {self.name} (pid {self.pid}) was refused: {reply.detail}")
        return isinstance(reply, Done) and reply.found


def _signal_request(child: int, signum: int, *, sweep: bool) -> Callable[[int], SendSignal]:
    return lambda number: SendSignal(request=number, child=child, signum=signum, sweep=sweep)
