"""The keeper's end of the control connection. It never blocks, neither on reading nor on writing."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator

READ_BYTES = 65536


class Channel:
    """Lines in and lines out of a non-blocking socket. It keeps bytes that could not be sent yet."""

    def __init__(self, control: socket.socket) -> None:
        control.setblocking(False)
        self.socket = control
        self.closed = False
        self._received = b""
        self._unsent = bytearray()

    @property
    def interest(self) -> int:
        """What to wait for."""
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)

    def receive(self) -> Iterator[bytes]:
        """Whole lines that have arrived; sets `closed` when the other end has closed."""
        try:
            data = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self.closed = True
            return
        *lines, rest = (self._received + data).split(b"\n")
        self._received = rest
        yield from lines

    def send(self, line: bytes) -> None:
        """Send as much as possible now, the rest on `flush`."""
        self._unsent += line
        self.flush()

    def flush(self) -> None:
        """Send as much as possible."""
        try:
            while self._unsent:
                del self._unsent[: self.socket.send(self._unsent, socket.MSG_NOSIGNAL)]
        except BlockingIOError:
            return
        except ConnectionError:
            # The other end has closed: the read side notices that and shuts down.
            self._unsent.clear()

    def close(self, *, patience_s: float) -> None:
        """Send the remaining bytes within the time limit, and close."""
        self.socket.settimeout(patience_s)
        try:
            self.socket.sendall(self._unsent)
        except OSError:
            self._unsent.clear()  # the harness is gone: no reader is left
        finally:
            self.socket.close()
