"""Ports that a server can release and bind again, because the kernel does not assign them to other sockets.

The kernel may assign a port of the ephemeral range to an outgoing connection as soon as its server stops. A restarted
server needs its own port back, so it gets one outside the range. Ports are not tried by binding them first: the server
binds its port, and the code that starts it takes another one if that port was in use.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from harness.errors import HarnessError

Ports = Callable[[], int]
"""The source of a starting server's next port."""

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 10_000  # below are the well-known services of developers' machines: 5432, 6379, 8080 ...
_HIGHEST = 65_535
TRIES = 50


def ephemeral_range() -> range:
    """Return the ports that the kernel gives to outgoing connections (ip(7))."""
    first, last = _EPHEMERAL.read_text(encoding="ascii").split()
    return range(int(first), int(last) + 1)


def candidates(ephemeral: range) -> list[int]:
    """Return the ports to choose from: those outside `ephemeral`, or all ports if hardly any are left."""
    below = range(_LOWEST, min(ephemeral.start, _HIGHEST + 1))
    above = range(max(ephemeral.stop, _LOWEST), _HIGHEST + 1)
    outside = [*below, *above]
    return outside if len(outside) >= 100 else list(range(_LOWEST, _HIGHEST + 1))


def free_port() -> int:
    """Return a port like `pick_port` on which nothing on this machine listens now.

    Use it for a program that cannot try another port. Raises HarnessError if none is found.
    """
    for _ in range(TRIES):
        port = pick_port()
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise HarnessError(f"of {TRIES} ports none was free", hint="end the programs that listen on so many ports")


def pick_port() -> int:
    """Return a random port outside the ephemeral range. It is not checked, so it may be in use."""
    return secrets.choice(candidates(ephemeral_range()))
