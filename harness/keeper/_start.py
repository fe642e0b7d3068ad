"""A child between its fork and its program."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.keeper._child import REPORT_BYTES_MAX, fork_child
from harness.keeper._children import Child
from harness.keeper._messages import Refused, Spawn


@dataclass(slots=True)
class Start:
    """Follows the child's reports until it execs (the socket closes) or says what stopped it."""

    order: Spawn
    pid: int
    child: Child
    reports: socket.socket
    finished: bool = field(default=False, init=False)
    refused: Refused | None = field(default=None, init=False)

    @classmethod
    def begin(cls, order: Spawn, become_user: Callable[[], None]) -> Start:
        """Fork. Raises `OSError`."""
        fork = fork_child(order, become_user)
        child = Child(number=order.child, pid=fork.pid, session=fork.pid, teardown_signal=order.teardown_signal)
        return cls(order, fork.pid, child, fork.reports)

    def receive(self) -> int | None:
        """Take one report; return the listener's descriptor if it is that."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.reports, REPORT_BYTES_MAX, 1)
        except BlockingIOError:
            return None
        except ConnectionError:
            data, descriptors = b"", []
        if descriptors:
            os.set_inheritable(descriptors[0], False)
            return descriptors[0]
        self.finished = True
        if data:
            told = json.loads(data)
            self.refused = Refused(request=self.order.request, **told)
        return None
