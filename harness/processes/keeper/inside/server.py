"""The keeper's loop: requests, starts, exits and reported system calls. One thread, in which no call blocks."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence

from harness.processes.keeper.channel import Channel
from harness.processes.keeper.codec import decode, encode
from harness.processes.keeper.inside.children import Child, Children
from harness.processes.keeper.inside.descendants import kill_all
from harness.processes.keeper.inside.identity import Identities
from harness.processes.keeper.inside.start import Start
from harness.processes.keeper.messages import (
    AskOwner,
    Called,
    Done,
    Exited,
    Owner,
    Ready,
    Refused,
    Reply,
    Report,
    SendSignal,
    SetRules,
    Spawn,
    Started,
    Sync,
)
from harness.processes.syscalls.supervisor import Supervisor

TEARDOWN_GRACE_S = 1.0
KILL_DEADLINE_S = 10.0
GOODBYE_S = 1.0

Handler = Callable[[], None]


class Server:
    """Owns every child until the harness, the guard or a signal ends it."""

    def __init__(self, control: socket.socket, lifelines: Sequence[int]) -> None:
        self._channel = Channel(control)
        self._selector = selectors.DefaultSelector()
        self._children = Children()
        self._identities = Identities()
        self._ending = False
        self._wakeups = _wake_on_signals(self._end)
        self._add(self._wakeups, self._on_signal)
        self._add(control, self._on_control)
        for lifeline in lifelines:
            self._add(lifeline, self._end)

    def run(self) -> int:
        """Serve until the end, then end all processes. Return 0 if no process is left."""
        self._tell(Ready(pid=os.getpid()))
        while not self._ending:
            self._turn(None)
        self._say_goodbye()
        left = kill_all(self._reap, deadline_s=KILL_DEADLINE_S)
        self._channel.close(patience_s=GOODBYE_S)
        if left:
            sys.stderr.write(f"could not end: {', '.join(str(process.pid) for process in left)}\n")
        return 1 if left else 0

    # ------------------------------------------------------------- the loop

    def _turn(self, timeout_s: float | None) -> None:
        for key, _ in self._selector.select(timeout_s):
            # A handler before this one may have closed the descriptor, or given its number away.
            if self._selector.get_map().get(key.fd) == key:
                key.data()

    def _add(self, source: int | socket.socket, handler: Handler) -> None:
        self._selector.register(source, selectors.EVENT_READ, handler)

    def _end(self) -> None:
        self._ending = True

    def _tell(self, message: Reply | Report) -> None:
        self._channel.send(encode(message))
        self._await_control()

    def _await_control(self) -> None:
        key = self._selector.get_map().get(self._channel.socket)
        if key is not None and key.events != self._channel.interest:
            self._selector.modify(self._channel.socket, self._channel.interest, key.data)

    def _on_control(self) -> None:
        self._channel.flush()
        self._await_control()
        for line in self._channel.receive():
            self._obey(decode(line))
        if self._channel.closed:
            self._end()

    def _on_signal(self) -> None:
        os.read(self._wakeups, 4096)
        self._children.end_stopped()
        self._reap()

    # ------------------------------------------------------------- requests

    def _obey(self, request: object) -> None:
        match request:
            case Spawn():
                self._spawn(request)
            case SendSignal():
                self._reap()  # a child that has already ended must not count as signalled
                self._tell(self._children.signal(request))
            case SetRules():
                self._tell(self._children.set_rules(request))
            case Sync():
                self._tell(Done(request=request.request))
            case AskOwner():
                ids = self._identities.owner(request.as_user)
                self._tell(Owner(request=request.request, uid=ids.uid, gid=ids.gid))
            case _:
                raise TypeError(f"not a request: {request!r}")

    def _spawn(self, order: Spawn) -> None:
        try:
            if order.forked_by:
                start = Start.by_order(order, self._children.orders_of(order.forked_by))
            else:
                start = Start.by_exec(order, self._identities.change(order.as_user))
        except OSError as error:
            step = "preloaded" if order.forked_by else "fork"
            self._tell(Refused(request=order.request, step=step, errno=error.errno or 0, detail=str(error)))
            return
        self._children.add(start.child)
        self._add(start.reports, lambda: self._on_start(start))

    def _on_start(self, start: Start) -> None:
        listener = start.receive()
        if listener is not None:
            self._supervise(start.child, Supervisor(listener, start.order.rules))
        if not start.finished:
            return
        self._selector.unregister(start.reports)
        start.reports.close()
        refused = start.refused
        self._tell(refused or Started(request=start.order.request, pid=start.pid))

    # ------------------------------------------------------------- system calls

    def _supervise(self, child: Child, supervisor: Supervisor) -> None:
        child.supervisor = supervisor
        self._add(supervisor.descriptor, lambda: self._on_call(child, supervisor))

    def _on_call(self, child: Child, supervisor: Supervisor) -> None:
        event = supervisor.answer_one()
        if event is not None:
            self._tell(Called(child=child.number, event=event))
        if supervisor.finished:
            self._selector.unregister(supervisor.descriptor)
            supervisor.close()

    # ------------------------------------------------------------- ends

    def _reap(self) -> None:
        for child, status in self._children.reap():
            self._tell(Exited(child=child.number, status=status))

    def _say_goodbye(self) -> None:
        """Send the children their chosen signals, and give them a moment to react."""
        waiting = self._children.say_goodbye()
        limit = time.monotonic() + TEARDOWN_GRACE_S
        for source in [key.fileobj for key in self._selector.get_map().values() if key.data == self._end]:
            self._selector.unregister(source)
        if self._channel.closed:
            self._selector.unregister(self._channel.socket)
        while any(child.pid is not None for child in waiting) and (left_s := limit - time.monotonic()) > 0:
            self._turn(left_s)


def _wake_on_signals(end: Handler) -> int:
    """A descriptor that becomes readable on SIGCHLD and on a signal that ends the keeper."""
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda _signum, _frame: end())
    return readable
