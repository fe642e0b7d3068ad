"""Answers TCP segments to one local port by ICMP, as a router does: the destination cannot be reached.

A packet socket sees what is sent to the port over the loopback interface; a raw socket answers each segment with a
message that quotes its head (RFC 792, RFC 1812). A running connect ends with the error. An open connection only
remembers it: TCP keeps trying, and reports the error when it gives up the connection.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Final, Literal, Self, TypeAlias

from harness.capability import Capability
from harness.processes.socket_filter import OWN_NETWORK, port_only, take_only

NAME: Final = "raw sockets"
Why: TypeAlias = Literal["host", "net", "prohibited"]
CODES: Final[dict[Why, int]] = {"net": 0, "host": 1, "prohibited": 13}
"""RFC 792, RFC 1812: network unreachable, host unreachable, communication administratively prohibited."""
_UNREACHABLE: Final = 3
_ETH_P_IP: Final = 0x0800  # linux/if_ether.h
_ARRIVES: Final = 0  # linux/if_packet.h: PACKET_HOST
_QUOTED_BYTES: Final = 8
_SEGMENT_BYTES: Final = 1 << 17


class Unreachable:
    """Sees segments to a port, and answers them. Call `answer` when `descriptor` is readable."""

    def __init__(self, port: int, why: Why) -> None:
        """Raises OSError without CAP_NET_RAW."""
        self.told = 0
        self._code = CODES[why]
        self._sees = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        try:
            take_only(self._sees, port_only(port))
            self._sees.setblocking(False)
            self._sees.bind(("lo", _ETH_P_IP))
            self._says = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        except BaseException:
            self._sees.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def descriptor(self) -> int:
        """What to wait for."""
        return self._sees.fileno()

    def answer(self) -> None:
        """Answer every segment that has arrived. Raises OSError."""
        while True:
            try:
                packet, (_, _, direction, *_) = self._sees.recvfrom(_SEGMENT_BYTES)
            except BlockingIOError:
                return
            if direction == _ARRIVES:  # each packet is seen twice: as it leaves, and as it arrives
                self._says.sendto(_message(self._code, packet), (socket.inet_ntoa(packet[12:16]), 0))
                self.told += 1

    def close(self) -> None:
        """Stop seeing and answering. Idempotent."""
        self._sees.close()
        self._says.close()


def _message(code: int, packet: bytes) -> bytes:
    head = (packet[0] & 0x0F) * 4
    quoted = packet[: head + _QUOTED_BYTES]
    bare = struct.pack("!BBHI", _UNREACHABLE, code, 0, 0) + quoted
    return struct.pack("!BBHI", _UNREACHABLE, code, _checksum(bare), 0) + quoted


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def raw_available() -> Capability:
    """Make both sockets, once. Never raises."""
    try:
        with Unreachable(1, "host"):
            pass
    except OSError as error:
        why = errno.errorcode.get(error.errno or 0, str(error.errno))
        detail = f"no raw socket: {os.strerror(error.errno or 0)} ({why})"
        return Capability(
            NAME, available=False, detail=detail, mend=f"run it as root, or in a network of its own: {OWN_NETWORK}"
        )
    return Capability(NAME, available=True, detail="made one that sees TCP segments, and one that sends ICMP")
