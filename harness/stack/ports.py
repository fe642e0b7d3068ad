"""Ports that a server can give up and take again, because the kernel hands them to nobody else.

A port of the ephemeral range may be given to any outgoing connection as soon as its server is
down. A server that is restarted needs its own port back, so it gets one from outside the range.
No port is tried out by binding it first: the server itself binds it, and whoever starts the server
takes another port when that one was in use.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

Ports = Callable[[], int]
"""Where a starting server gets its next port from."""

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 10_000  # below are the well-known services of developers' machines: 5432, 6379, 8080 ...
_HIGHEST = 65_535


def ephemeral_range() -> range:
    """Return the ports that the kernel gives to outgoing connections (ip(7))."""
    first, last = _EPHEMERAL.read_text(encoding="ascii").split()
    return range(int(first), int(last) + 1)


def candidates(ephemeral: range) -> list[int]:
    """Return the ports to choose from: outside `ephemeral`, or all where it leaves next to none."""
    everything = range(_LOWEST, _HIGHEST + 1)
    outside = [port for port in everything if port not in ephemeral]
    return outside if len(outside) >= 100 else list(everything)


def pick_port() -> int:
    """Return a random port from outside the ephemeral range: not checked, it may be in use."""
    return secrets.choice(candidates(ephemeral_range()))
