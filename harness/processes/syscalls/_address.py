"""Parses socket addresses in memory. Source: linux/in.h, linux/in6.h, linux/socket.h."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass

SOCKADDR_BYTES_MAX = 128  # struct __kernel_sockaddr_storage


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """An address: `host` and `port` for IPv4 and IPv6, only the family for all others."""

    family: int | None
    host: str | None = None
    port: int | None = None


def parse_address(raw: bytes) -> SocketAddress:
    """Parse a sockaddr. If it is too short for its family, host and port are None."""
    if len(raw) < 2:
        return SocketAddress(None)
    family = int.from_bytes(raw[:2], sys.byteorder)
    if family == socket.AF_INET and len(raw) >= 8:  # family, port, address
        return SocketAddress(family, socket.inet_ntop(family, raw[4:8]), _port(raw))
    if family == socket.AF_INET6 and len(raw) >= 24:  # family, port, flow information, address
        return SocketAddress(family, socket.inet_ntop(family, raw[8:24]), _port(raw))
    return SocketAddress(family)


def _port(raw: bytes) -> int:
    return int.from_bytes(raw[2:4], "big")
