"""A probe: enters a network namespace and brings its loopback up, in a separate process that ends afterwards.

It is outside the doctor's package because it runs in a bare interpreter, which has only the standard library.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Sequence

from harness.processes.keeper.inside.namespaces import enter_user_namespace, inside_ids
from harness.processes.syscalls.libc import unshare

CLONE_NEWNET = 0x40000000  # linux/sched.h
SIOCSIFFLAGS = 0x8914  # linux/sockios.h
IFF_UP = 0x1  # linux/if.h


def main(_arguments: Sequence[str]) -> int:
    """Return 0, or the errno as the exit status."""
    try:
        enter_user_namespace(inside_ids())
        unshare(CLONE_NEWNET)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
        with socket.create_server(("127.0.0.1", 0)):
            return 0
    except OSError as error:
        return error.errno or 1
