"""A real TCP server for tests of what lies in front of it, and clients of it."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from harness.addresses import HostPort

PATIENCE_S = 10.0
"""How long a test waits for bytes that must come."""

SILENCE_S = 0.15
"""How long a test listens for bytes that must not come: a fault that fails to hold them delivers in a millisecond."""


class EchoServer:
    """Sends back what it gets. `received` is all of it, over all connections; `accepted` their number."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []
        self._lock = threading.Condition()
        self._received = bytearray()
        self.accepted = 0

    @property
    def address(self) -> HostPort:
        return HostPort(*self._listener.getsockname())

    @property
    def received(self) -> bytes:
        with self._lock:
            return bytes(self._received)

    def wait_received(self, size: int) -> bytes:
        """All that was received, once it is that much, or once no more can be hoped for."""
        with self._lock:
            self._lock.wait_for(lambda: len(self._received) >= size, PATIENCE_S)
            return bytes(self._received)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        self.close_connections()
        for thread in self._threads[1:]:
            thread.join()

    def close_connections(self) -> None:
        """Shut every open connection down, from the server's side."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed: the test is over
                return
            with self._lock:
                self.accepted += 1
                self._open.append(connection)
            thread = threading.Thread(target=self._echo, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _echo(self, connection: socket.socket) -> None:
        with contextlib.suppress(ConnectionError):  # resets are what some of the tests make
            while data := connection.recv(65536):
                with self._lock:
                    self._received += data
                    self._lock.notify_all()
                connection.sendall(data)
        with self._lock:
            self._open.remove(connection)
            connection.close()


class Client:
    """One connection through a proxy: a context manager."""

    def __init__(self, address: HostPort) -> None:
        self.socket = socket.create_connection(address, timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, size: int) -> bytes:
        """Exactly `size` bytes, or fewer when the connection ends before."""
        received = b""
        while len(received) < size and (data := self.socket.recv(size - len(received))):
            received += data
        return received

    def asks(self, question: bytes) -> bytes:
        self.send(question)
        return self.receive(len(question))

    def silent(self) -> bool:
        """Whether nothing comes, neither bytes nor an end."""
        self.socket.settimeout(SILENCE_S)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        else:
            return False
        finally:
            self.socket.settimeout(PATIENCE_S)

    def end(self) -> str:
        """Wait for the connection's end: `closed` or `reset`; any bytes that come before it are an error."""
        try:
            data = self.socket.recv(1)
        except ConnectionResetError:
            return "reset"
        assert data == b"", "bytes came, not an end"
        return "closed"
