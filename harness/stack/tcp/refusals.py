"""Counts the connects to a port of this machine that the kernel itself refuses, from any process.

Nothing listens at the port, so the kernel answers the SYN with a reset, and a raw socket sees that arrive on the
loopback (raw(7)). For an unwatched process, for example one with a driver in C, there is no other source. It needs
CAP_NET_RAW.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections import Counter

from harness.closing import Closing
from harness.processes.socket_filter import REFUSALS_ONLY, take_only

SEEN_BY = "raw socket"
HEADERS_BYTES = 128
WORD_BYTES = 4
ROOM_BYTES = 1 << 20


class Refusals(Closing):
    """The kernel's refusals in this network since the socket was opened, by port. IPv4 only."""

    def __init__(self, watching: socket.socket) -> None:
        self._watching = watching
        self._counted: Counter[int] = Counter()

    @classmethod
    def opened(cls) -> Refusals | None:
        """Begin to count; None if the user may not open a raw socket."""
        with contextlib.ExitStack() as owned:
            try:
                watching = owned.enter_context(
                    socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_TCP)
                )
                watching.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)
                take_only(watching, REFUSALS_ONLY)
            except OSError:
                return None
            owned.pop_all()
        while _next(watching):  # what came before the filter
            pass
        return cls(watching)

    def of(self, port: int) -> int:
        """How many connects to this port were refused so far."""
        while packet := _next(self._watching):
            begins = (packet[0] & 0xF) * WORD_BYTES
            [source] = struct.unpack_from("!H", packet, begins)
            self._counted[source] += 1
        return self._counted[port]

    def close(self) -> None:
        """Stop counting. Idempotent."""
        self._watching.close()


def _next(watching: socket.socket) -> bytes:
    try:
        return watching.recv(HEADERS_BYTES)
    except BlockingIOError:
        return b""
