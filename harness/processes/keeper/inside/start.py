"""A child between its fork and its program."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.processes.keeper.codec import encode
from harness.processes.keeper.inside.child import REPORT_BYTES_MAX, fork_child
from harness.processes.keeper.inside.children import Child
from harness.processes.keeper.messages import Refused, Spawn

GO_ON = b"go"
"""The message for which a new child waits. From then on the keeper collects its end."""


@dataclass(slots=True)
class Start:
    """Follows the child's reports until it runs its program (the socket closes) or reports which step failed."""

    order: Spawn
    child: Child
    reports: socket.socket
    pid: int = 0
    finished: bool = field(default=False, init=False)
    refused: Refused | None = field(default=None, init=False)

    @classmethod
    def by_exec(cls, order: Spawn, become_user: Callable[[], None]) -> Start:
        """Fork; the child execs. Raises `OSError`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) if order.preloads else (None, None)
        try:
            fork = fork_child(order, become_user, theirs)
        except OSError:
            if ours is not None:
                ours.close()
            raise
        finally:
            if theirs is not None:
                theirs.close()
        child = _child(order, fork.pid)
        child.orders = ours
        return cls(order, child, fork.reports, fork.pid)

    @classmethod
    def by_order(cls, order: Spawn, orders: socket.socket | None) -> Start:
        """Let a child that accepts orders fork this one, which then is ours. Raises `OSError`."""
        if orders is None:
            raise OSError(errno.ESRCH, "the process that should fork it has ended")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            socket.send_fds(orders, [encode(order)], [theirs.fileno()], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        return cls(order, _child(order, None), ours)

    def receive(self) -> int | None:
        """Take one report; return the listener's descriptor if the report contains it."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.reports, REPORT_BYTES_MAX, 1)
        except BlockingIOError:
            return None
        except ConnectionError:
            data, descriptors = b"", []
        if descriptors:
            os.set_inheritable(descriptors[0], False)
            return descriptors[0]
        told = json.loads(data) if data else {}
        if "born" in told:
            self._born(told["born"])
            return None
        self.finished = True
        if told:
            self.refused = Refused(request=self.order.request, **told)
        elif not self.pid:
            gone = "the process that was to fork it ended"
            self.refused = Refused(request=self.order.request, step="preloaded", errno=errno.ESRCH, detail=gone)
        return None

    def _born(self, pid: int) -> None:
        self.pid = self.child.pid = self.child.session = pid
        self.reports.send(GO_ON, socket.MSG_NOSIGNAL)


def _child(order: Spawn, pid: int | None) -> Child:
    return Child(
        number=order.child, pid=pid, session=pid or 0, teardown_signal=order.teardown_signal, log=order.log,
        may_be_stopped=order.may_be_stopped,
    )  # fmt: skip
