"""The kernel's word about real connections."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from harness.addresses import HostPort
from harness.stack.tcp import sockets
from harness.stack.tcp.sockets import (
    ConnectionCount,
    TcpConnection,
    TcpState,
    connection_counts,
    connections,
    listening,
    moved,
    process_tree,
    without_keepalive,
)
from tests.stack.proxy.echo import Client, EchoServer

ME = [os.getpid()]


def only(port: int) -> TcpConnection:
    (connection,) = connections(ME, port)
    return connection


def until(look: Callable[[], bool]) -> bool:
    """Look until it is so: the kernel's own work, as a FIN's arrival, has no event that we could wait for."""
    pause = threading.Event()
    for _ in range(1000):
        if look():
            return True
        pause.wait(0.01)
    return False


@contextmanager
def silent_server(backlog: int = 16) -> Iterator[socket.socket]:
    """Listens, and neither accepts nor answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        yield listener


def test_a_connection_and_its_bytes(echo: EchoServer) -> None:
    with Client(echo.address) as client:
        fresh = only(echo.address.port)
        assert (fresh.bytes_sent, fresh.bytes_received, fresh.awaiting_answer) == (0, 0, False)
        assert client.asks(b"12345") == b"12345"
        used = only(echo.address.port)
    assert used.pid == os.getpid()
    assert used.remote == echo.address
    assert used.state is TcpState.ESTABLISHED
    assert used.open
    assert used.inode == fresh.inode > 0
    assert (used.bytes_sent, used.bytes_received, used.unread_bytes, used.unsent_bytes) == (5, 5, 0, 0)
    assert not used.awaiting_answer


def test_an_idle_connection_is_probed_only_with_keepalive() -> None:
    with silent_server() as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(listener.getsockname()) as one, socket.create_connection(listener.getsockname()):
            assert without_keepalive([port]) == {port: 2}
            one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            assert without_keepalive([port]) == {port: 1}


def test_what_was_sent_and_not_answered() -> None:
    with silent_server() as listener, socket.create_connection(listener.getsockname()) as client:
        port = listener.getsockname()[1]
        client.sendall(b"question")
        assert only(port).awaiting_answer
        server, _ = listener.accept()
        with server:
            server.sendall(b"answer")
            assert until(lambda: only(port).bytes_received == 6)
            assert only(port).unread_bytes == 6
            assert not only(port).awaiting_answer
            # The kernel's clock must tick between the answer and the next question: see `awaiting_answer`.
            assert until(lambda: only(port).last_data_received_ms >= 20)
            client.sendall(b"another")
            assert only(port).awaiting_answer


def test_bytes_that_cannot_leave() -> None:
    with silent_server() as listener, socket.create_connection(listener.getsockname()) as client:
        client.setblocking(False)
        written = client.send(bytes(64 << 20))
        found = only(listener.getsockname()[1])
        assert found.unsent_bytes > 0
        assert found.bytes_sent + found.unsent_bytes == written
        assert found.awaiting_answer


def test_moved_between_two_snapshots(echo: EchoServer) -> None:
    port = echo.address.port
    with Client(echo.address) as kept, ExitStack() as ending:
        ends = ending.enter_context(Client(echo.address))
        assert kept.asks(b"before") == ends.asks(b"before") == b"before"
        before = connections(ME, port)
        assert len(before) == 2
        ending.close()
        assert kept.asks(b"123") == b"123"
        with Client(echo.address) as new:
            assert new.asks(b"4567") == b"4567"
            after = connections(ME, port)
            step = moved(before, after)
    assert (step.bytes_sent, step.bytes_received, step.unanswered) == (7, 7, False)
    assert [each.bytes_sent for each in step.opened] == [4]
    assert [each.bytes_sent for each in step.gone] == [6]


def test_unanswered_in_between() -> None:
    with silent_server() as listener, socket.create_connection(listener.getsockname()) as client:
        port = listener.getsockname()[1]
        before = connections(ME, port)
        assert not moved(before, before).unanswered
        client.sendall(b"question")
        assert moved(before, connections(ME, port)).unanswered


def test_a_peer_that_closed(echo: EchoServer) -> None:
    with Client(echo.address) as client:
        assert client.asks(b"x") == b"x"
        echo.close_connections()
        assert until(lambda: only(echo.address.port).state is TcpState.CLOSE_WAIT)
        assert not only(echo.address.port).open
        assert not only(echo.address.port).awaiting_answer
    assert connections(ME, echo.address.port) == ()


def test_a_peer_that_reset() -> None:
    with silent_server() as listener, socket.create_connection(listener.getsockname()) as client:
        server, _ = listener.accept()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.close()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert connections(ME, listener.getsockname()[1]) == ()


def test_connections_are_counted_whosever_they_are() -> None:
    with silent_server() as listener, ExitStack() as opened:
        port = listener.getsockname()[1]
        assert connection_counts([port])[port] == ConnectionCount(open=0, connecting=0)
        for _ in range(2):
            opened.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert connection_counts([port])[port] == ConnectionCount(open=2, connecting=0)
        server, _ = listener.accept()
        server.close()
        assert until(lambda: connection_counts([port])[port] == ConnectionCount(open=1, connecting=0)), (
            "one side has closed"
        )


def test_each_port_of_several_has_its_own_count() -> None:
    with silent_server() as one, silent_server() as other, socket.create_connection(one.getsockname()):
        ports = [one.getsockname()[1], other.getsockname()[1]]
        counted = connection_counts(ports)
        assert [counted[port].open for port in ports] == [1, 0]


def test_a_connection_that_is_being_made() -> None:
    """A full backlog swallows the SYN."""
    with silent_server(backlog=0) as listener, ExitStack() as opened:
        port = listener.getsockname()[1]

        def connecting() -> list[TcpConnection]:
            return [each for each in connections(ME, port) if each.state is TcpState.SYN_SENT]

        for _ in range(4):
            trial = opened.enter_context(socket.socket())
            trial.setblocking(False)
            assert trial.connect_ex(("127.0.0.1", port)) != 0
        assert until(lambda: len(connecting()) > 0)
        assert not any(each.open or each.awaiting_answer for each in connecting())
        assert connection_counts([port])[port].connecting > 0
        (listener_now,) = [each for each in listening(port) if each.local.host == "127.0.0.1"]
        assert listener_now.waiting > listener_now.backlog == 0


@pytest.mark.parametrize("host", ["::1", "::ffff:127.0.0.1"])
def test_ipv6_and_mapped_ipv4(host: str) -> None:
    server = "::1" if host == "::1" else "127.0.0.1"
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    with socket.create_server((server, 0), family=family) as listener, socket.socket(socket.AF_INET6) as client:
        port = listener.getsockname()[1]
        client.connect((host, port))
        client.sendall(b"x")
        found = only(port)
        assert found.remote == HostPort(server, port)
        assert found.awaiting_answer
        # Another program may listen on this port of the machine's other address.
        ours = [each.local for each in listening(port) if each.inode == os.fstat(listener.fileno()).st_ino]
        assert ours == [HostPort(server, port)]


CHILD = """
import os, socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.sendall(b"from a grandchild")
sys.stdin.read()
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[2], sys.argv[1]], stdin=sys.stdin)"


def test_children_belong_to_the_tree() -> None:
    with silent_server() as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-c", PARENT, str(port), CHILD]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as parent:
            assert until(lambda: any(each.bytes_sent == 17 for each in connections([parent.pid], port)))
            (found,) = connections([parent.pid], port)
            assert found.pid != parent.pid
            assert {found.pid, parent.pid} <= set(process_tree(ME))
            assert connections([parent.pid], port + 1) == ()
            assert [each.inode for each in connections(ME, port)] == [found.inode], "we are its grandparent"
            parent.communicate()
        assert connections([parent.pid], port) == (), "it has ended"


def test_listeners_and_whose_they_are() -> None:
    with silent_server() as listener:
        port = listener.getsockname()[1]
        ours = listening(port, pids=ME)
        assert [each.local.port for each in ours] == [port]
        assert {*ours} <= {*listening(port)}
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
            assert listening(port, pids=[stranger.pid]) == ()
            stranger.communicate()
    assert listening(port, pids=ME) == ()


def test_a_process_that_has_ended_has_no_sockets() -> None:
    """Its parent has not waited for it: /proc still has it, and shows its descriptors to root alone."""
    with subprocess.Popen(["sleep", "60"]) as living, subprocess.Popen(["true"]) as zombie:
        try:
            assert until(lambda: _state(zombie.pid) == "Z")
            assert sockets.is_ending(f"/proc/{zombie.pid}/fd")
            assert not sockets.is_ending(f"/proc/{living.pid}/fd")
            assert connections([zombie.pid], 1) == ()
        finally:
            living.kill()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
