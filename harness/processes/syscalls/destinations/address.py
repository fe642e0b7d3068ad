"""Parses socket addresses in memory. Source: linux/in.h, linux/in6.h, linux/socket.h."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

SOCKADDR_BYTES_MAX = 128  # struct __kernel_sockaddr_storage


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """An address: `host` and `port` for IPv4 and IPv6, `path` for a Unix socket, only the family for all others.

    The path of an abstract Unix socket begins with @.
    """

    family: int | None
    host: str | None = None
    port: int | None = None
    path: str | None = None


def parse_address(raw: bytes) -> SocketAddress:
    """Parse a sockaddr. If it is too short for its family, host and port are None."""
    if len(raw) < 2:
        return SocketAddress(None)
    family = int.from_bytes(raw[:2], sys.byteorder)
    if family == socket.AF_INET and len(raw) >= 8:  # family, port, address
        return SocketAddress(family, socket.inet_ntop(family, raw[4:8]), _port(raw))
    if family == socket.AF_INET6 and len(raw) >= 24:  # family, port, flow information, address
        return SocketAddress(family, socket.inet_ntop(family, raw[8:24]), _port(raw))
    if family == socket.AF_UNIX and len(raw) > 2:
        return SocketAddress(family, path=_path(raw[2:]))
    return SocketAddress(family)


def _path(raw: bytes) -> str:
    """Return a path up to its end; an abstract name (it begins with a NUL) as a whole."""
    name = b"@" + raw[1:].rstrip(b"\0") if raw[:1] == b"\0" else raw.partition(b"\0")[0]
    return os.fsdecode(name)


def loopback_address(family: int | None, port: int) -> Sequence[tuple[int, bytes]]:
    """Return which bytes to write where in a sockaddr of this family, for that port of 127.0.0.1."""
    if family == socket.AF_INET6:  # as an IPv4-mapped address
        return [(2, port.to_bytes(2, "big")), (8, socket.inet_pton(family, "::ffff:127.0.0.1"))]
    return [(2, port.to_bytes(2, "big") + socket.inet_aton("127.0.0.1"))]


def _port(raw: bytes) -> int:
    return int.from_bytes(raw[2:4], "big")
