"""What is seen of the connects of an application in the test's own process."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from harness.chaos.connects import Connects
from harness.stack.tcp.refusals import Refusals


def test_where_only_python_tells_of_connects_it_is_said() -> None:
    with Connects(None) as connects:
        assert (connects.of_python_only, connects.seen_by) == (True, "audit hook of Python")
        assert connects.refused(1) is None


def test_connects_are_heard_until_it_is_closed() -> None:
    with _closed() as port, Connects(None) as connects:
        _dial(port)
        assert [event.port for event in connects.events()] == [port]
        connects.close()
        _dial(port)
        assert connects.events() == ()


def test_each_refused_connect_is_counted_under_its_port_and_nothing_else() -> None:
    """A connection that is reset, which begins as one that is taken, was not refused."""
    refusals = Refusals.opened()
    if refusals is None:
        with pytest.raises(PermissionError):
            socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        return
    with _closed() as port, refusals, contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listening:
        taken = listening.getsockname()[1]
        with contextlib.closing(socket.create_connection(("127.0.0.1", taken))) as dialled:
            accepted, _ = listening.accept()
            dialled.sendall(b"unread")
            accepted.close()  # with something unread: a reset
            with contextlib.suppress(ConnectionResetError):
                dialled.recv(1)
        _dial(port)
        _dial(port)
        assert (refusals.of(port), refusals.of(taken)) == (2, 0)


@contextlib.contextmanager
def _closed() -> Iterator[int]:
    """A port of nobody else's, at which nothing listens."""
    with contextlib.closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def _dial(port: int) -> None:
    with contextlib.closing(socket.socket()) as dialling, pytest.raises(ConnectionRefusedError):
        dialling.connect(("127.0.0.1", port))
