"""To a sender of TCP segments it looks as if a router had no way on: the kernel makes the errors, from real ICMP."""

from __future__ import annotations

import errno
import select
import socket
import subprocess
import sys

import pytest

from harness.processes.icmp import Unreachable, Why, raw_available
from harness.processes.socket_filter import LOSE_ALL, attach, detach

WITHIN_S = 20.0


@pytest.mark.parametrize(
    ("why", "number"),
    [("host", errno.EHOSTUNREACH), ("net", errno.ENETUNREACH), ("prohibited", errno.EHOSTUNREACH)],
)
def test_a_connect_ends_and_an_open_connection_goes_on(why: Why, number: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as connecting:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as open_one, server.accept()[0] as far_end:
            with Unreachable(port, why) as says:
                for end in (server, far_end):
                    attach(end, LOSE_ALL)
                connecting.setblocking(False)
                assert connecting.connect_ex(("127.0.0.1", port)) == errno.EINPROGRESS
                open_one.sendall(b"x")
                waiting = {connecting: number, open_one: number}  # which remembers it, and goes on
                while says.told < len(waiting):
                    assert select.select([says.descriptor], [], [], WITHIN_S)[0]
                    says.answer()
                assert select.select([], [connecting], [], WITHIN_S)[1]
                told = {end: end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for end in waiting}
                assert told == waiting
            detach(far_end)
            assert far_end.recv(1) == b"x", "TCP has sent it again"


def test_only_what_is_sent_to_its_port_is_answered() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_server(("127.0.0.1", 0)) as other,
        Unreachable(other.getsockname()[1], "host") as says,
    ):
        socket.create_connection(server.getsockname()).close()
        says.answer()
        assert says.told == 0
        socket.create_connection(other.getsockname()).close()
        says.answer()
        assert says.told > 0


def test_who_has_no_right_to_raw_sockets_is_told_what_to_do() -> None:
    program = "from harness.processes.icmp import raw_available as found; print(found())"
    said = {
        also: subprocess.run(
            ["unshare", "--user", "--map-root-user", *also, sys.executable, "-c", program],
            capture_output=True, text=True, check=True,
        ).stdout
        for also in ((), ("--net",))
    }  # fmt: skip
    assert "available=False" in said[()]
    assert "no raw socket: Operation not permitted (EPERM)" in said[()]
    assert "run it as root, or in a network of its own" in said[()]
    assert "available=True" in said["--net",]
    assert raw_available().available
