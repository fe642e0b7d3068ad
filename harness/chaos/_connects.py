"""Counts the connects of the test's own process, by the audit events of Python (PEP 578).

The kernel reports calls only of a process that was started for it. A driver in C, such as libpq or uvloop's, connects
without such an event: what it was refused is not evidence.
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

SEEN_BY = "audit hook of Python"


class Connects(Closing):
    """Keeps every connect by a socket of Python's, from its making until it is closed.

    A hook cannot be taken away again: closed, it ignores what it hears.
    """

    def __init__(self) -> None:
        self._events: list[SyscallEvent] = []
        self._on = True
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

    def close(self) -> None:
        """Keep nothing more."""
        self._on = False
        self._events.clear()
