"""Where an address leads: to this machine or another one, and to a listening server or to nothing."""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Final

NETLINK_SOCK_DIAG: Final = 4
SOCK_DIAG_BY_FAMILY: Final = 20
NLMSG_ERROR: Final = 2
NLM_F_REQUEST: Final = 1
TCP_LISTEN: Final = 10
ANY_COOKIE: Final = b"\xff" * 8
ANSWER_WITHIN_S: Final = 5.0

# linux/netlink.h, linux/inet_diag.h: nlmsghdr, inet_diag_req_v2, the beginning of inet_diag_msg.
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI2s2s16s16sI8s")
_STATE = struct.Struct("=xB")
_ERROR = struct.Struct("=i")
_WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - dialled, and not listened on


def reached_by(host: str) -> str:
    """Return the address that a connect to `host` reaches: a wildcard is this machine, a mapped address is IPv4."""
    host = host.removeprefix("::ffff:") if "." in host else host
    return _WILDCARDS.get(host, host)


def is_here(host: str) -> bool:
    """Whether a numeric address is one of this machine's: a socket can be bound only to these."""
    family = _family(host)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def is_listened_at(host: str, port: int) -> bool:
    """Whether a SYN to this address of this machine would find a listener. The kernel looks it up as for a SYN.

    Raises `OSError` if the kernel refuses the question (sock_diag(7)).
    """
    family = _family(host)
    address = socket.inet_pton(family, host)
    body = _REQUEST.pack(
        family, socket.IPPROTO_TCP, 0, 0, 1 << TCP_LISTEN, port.to_bytes(2, "big"), b"", address, address, 0, ANY_COOKIE
    )
    request = _HEADER.pack(_HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(ANSWER_WITHIN_S)
        netlink.send(request)
        answer = netlink.recv(8192)
    _length, kind, *_rest = _HEADER.unpack_from(answer)
    if kind != NLMSG_ERROR:
        return bool(_STATE.unpack_from(answer, _HEADER.size)[0] == TCP_LISTEN)
    number = -_ERROR.unpack_from(answer, _HEADER.size)[0]
    if number == errno.ENOENT:
        return False
    raise OSError(number, f"sock_diag: {os.strerror(number)}")


def is_in_our_network(pid: int) -> bool:
    """Whether a process has the same network as this one. A process that cannot be read counts as another user's."""
    try:
        return os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net")  # noqa: PTH115 - not a path
    except OSError:
        return False


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
