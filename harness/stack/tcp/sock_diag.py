"""The kernel's list of TCP sockets, by netlink (sock_diag(7)).

Any user may ask. This is our own code and no library, because the one request and the one answer are only two `struct`
formats. pyroute2 0.9 can do the same, and much else. But it takes 0.1 s to import, cannot let the kernel filter by
port, takes 1 ms instead of 0.4, and every user would have to install it.

The layouts are those of linux/inet_diag.h and linux/tcp.h. They only grow at the end; fields that an older kernel does
not send are read as 0.

For each request the kernel walks through its whole table of connections, which takes 1.5 ms with 262,144 places. So one
request asks for IPv4 and IPv6 together, which only the older kind of request can do (TCPDIAG_GETSOCK), and one answer
is used for several ports.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass

NETLINK_SOCK_DIAG = 4
TCPDIAG_GETSOCK = 18
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 0x001
NLM_F_DUMP = 0x300
INET_DIAG_INFO = 2
LISTEN = 10
BOUND_INACTIVE = 13
ALL_STATES = 0xFFFFFFFF & ~(1 << BOUND_INACTIVE)
"""Sockets that are only bound are not listed, because the kernel keeps them in another table."""

_NLMSG = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ATTRIBUTES = struct.Struct("=3xB")  # family and lengths of prefixes, all unused; the wanted attributes
_STATES = struct.Struct("=I4x")  # the states; tables, unused
_SOCKET_ID = struct.Struct(">HH16s16s12x")  # source port, destination port, addresses; interface and cookie unused
_MESSAGE = struct.Struct("=BBBB48xIIIII")  # family, state, timer, retransmits; expires, rqueue, wqueue, uid, inode
_ATTRIBUTE = struct.Struct("=HH")

# struct tcp_info: the fields that are read, by their offset.
_INFO_BYTES = 232
_TIMES = struct.Struct("=5I")  # at 44: last_data_sent, last_ack_sent, last_data_recv, last_ack_recv (ms), pmtu
_RECEIVED = struct.Struct("=QQ")  # at 120: bytes_acked, bytes_received
_BYTES_SENT = struct.Struct("=QQ")  # at 200: bytes_sent, bytes_retrans

_RECEIVE_BYTES = 256 * 1024
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class RawSocket:
    """One socket as the kernel reports it.

    For a listener, `rqueue` is the number of waiting connections, and `wqueue` the backlog. `timer`: the kind of
    timer that runs for it, 0 for none; 2 is keepalive (linux/inet_diag.h, idiag_timer).
    """

    state: int
    timer: int
    local: tuple[str, int]
    remote: tuple[str, int]
    inode: int
    rqueue: int
    wqueue: int
    info: bytes

    def u32(self, offset: int) -> int:
        """Return a 32-bit field of tcp_info."""
        return int(struct.unpack_from("=I", self.info, offset)[0])

    def u64(self, offset: int) -> int:
        """Return a 64-bit field of tcp_info."""
        return int(struct.unpack_from("=Q", self.info, offset)[0])


def tcp_sockets(
    *, local_port: int = 0, remote_port: int = 0, remote_ports: Collection[int] = (), states: int = ALL_STATES
) -> list[RawSocket]:
    """Return the TCP sockets of this network namespace, IPv4 and IPv6.

    A port of 0 means any, and so does an empty list.

    The kernel does the filtering, except for `remote_ports`. Raises OSError if it refuses, TimeoutError if it does not
    answer.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(_TIMEOUT_S)
        netlink.send(_request(local_port, remote_port, states))
        return [_socket(each) for each in _answer(netlink) if not remote_ports or _remote_port(each) in remote_ports]


def _request(local_port: int, remote_port: int, states: int) -> bytes:
    body = _ATTRIBUTES.pack(1 << (INET_DIAG_INFO - 1))
    body += _SOCKET_ID.pack(local_port, remote_port, b"", b"") + _STATES.pack(states)
    length = _NLMSG.size + len(body)
    return _NLMSG.pack(length, TCPDIAG_GETSOCK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body


def _remote_port(message: bytes) -> int:
    return int.from_bytes(message[6:8], "big")


def _answer(netlink: socket.socket) -> Iterator[bytes]:
    while True:
        data = netlink.recv(_RECEIVE_BYTES)
        offset = 0
        while offset + _NLMSG.size <= len(data):
            length, kind, _flags, _sequence, _port = _NLMSG.unpack_from(data, offset)
            payload = data[offset + _NLMSG.size : offset + length]
            if kind == NLMSG_DONE:
                _raise_if(payload)
                return
            if kind == NLMSG_ERROR:
                _raise_if(payload)
            elif kind == TCPDIAG_GETSOCK:
                yield payload
            offset += (length + 3) & ~3


def _raise_if(payload: bytes) -> None:
    number = struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
    if number < 0:
        raise OSError(-number, f"sock_diag: {os.strerror(-number)} ({errno.errorcode.get(-number, '?')})")


def _socket(message: bytes) -> RawSocket:
    family, state, timer, _retransmits, _expires, rqueue, wqueue, _uid, inode = _MESSAGE.unpack_from(message)
    local_port, remote_port, local, remote = _SOCKET_ID.unpack_from(message, 4)
    return RawSocket(
        state=state,
        timer=timer,
        local=(_address(family, local), local_port),
        remote=(_address(family, remote), remote_port),
        inode=inode,
        rqueue=rqueue,
        wqueue=wqueue,
        info=_info(message),
    )


def _address(family: int, raw: bytes) -> str:
    if family == socket.AF_INET:
        return str(ipaddress.IPv4Address(raw[:4]))
    address = ipaddress.IPv6Address(raw)
    return str(address.ipv4_mapped or address)


def _info(message: bytes) -> bytes:
    """Return tcp_info, padded with zeros; all zeros if the kernel sends none (TIME-WAIT)."""
    offset = _MESSAGE.size
    while offset + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, offset)
        if length < _ATTRIBUTE.size:
            break
        if kind == INET_DIAG_INFO:
            return message[offset + _ATTRIBUTE.size : offset + length].ljust(_INFO_BYTES, b"\0")
        offset += (length + 3) & ~3
    return bytes(_INFO_BYTES)
