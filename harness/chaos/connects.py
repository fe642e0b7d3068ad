"""Counts the connects of the test's own process, by Python's audit events (PEP 578), and how many were refused.

The kernel reports calls only of a process that was started for it. A driver in C, such as libpq or uvloop's, connects
without such an event. A raw socket sees the refusals, if the user may open one, as root may. Otherwise such a connect
is no evidence.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Sequence

from harness.closing import Closing
from harness.processes.syscalls import SyscallEvent
from harness.stack.tcp.refusals import SEEN_BY, Refusals

HEARD_BY = "audit hook of Python"


class Connects(Closing):
    """Keeps every connect by a Python socket, until this object is closed.

    An audit hook cannot be removed: when closed, it ignores events. It closes `refusals`, too.
    """

    def __init__(self, refusals: Refusals | None) -> None:
        self._events: list[SyscallEvent] = []
        self._on = True
        self._refusals = refusals
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if event != "socket.connect" or not self._on or len(arguments) < 2:  # a socket, an address
            return
        opened, address = arguments[:2]
        if isinstance(opened, socket.socket) and isinstance(address, tuple) and isinstance(address[1], int):
            self._events.append(
                SyscallEvent(
                    seq=len(self._events), t_ns=time.monotonic_ns(), call="connect", pid=os.getpid(),
                    tid=threading.get_native_id(), family=opened.family, socket_type=opened.type,
                    host=str(address[0]), port=address[1], answer=None, rule_id=None,
                )
            )  # fmt: skip

    def events(self) -> Sequence[SyscallEvent]:
        """All so far, in order."""
        return tuple(self._events)

    @property
    def seen_by(self) -> str:
        """The observer of refused connects."""
        return HEARD_BY if self._refusals is None else SEEN_BY

    @property
    def of_python_only(self) -> bool:
        """Whether it misses the connects of drivers in C."""
        return self._refusals is None

    def refused(self, port: int) -> int | None:
        """How many connects to a port the kernel has refused; None if only Python reports connects."""
        return None if self._refusals is None else self._refusals.of(port)

    def close(self) -> None:
        """Stop recording."""
        self._on = False
        self._events.clear()
        if self._refusals is not None:
            self._refusals.close()
            self._refusals = None
