"""System call numbers. Source: asm/unistd_64.h (x86_64), asm-generic/unistd.h (aarch64); `pwrite` is pwrite64 there.

Each architecture also has the AUDIT_ARCH_* value that a filter sees; source: linux/audit.h.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# The same on every architecture.
PIDFD_SEND_SIGNAL = 424
PIDFD_OPEN = 434
PIDFD_GETFD = 438


@dataclass(frozen=True, slots=True)
class Architecture:
    """The numbers of one architecture."""

    audit_arch: int
    seccomp: int
    watched: Mapping[str, int]
    """The calls that can be watched. An architecture may lack one, as aarch64 lacks open."""


ARCHITECTURES: Mapping[str, Architecture] = {
    "x86_64": Architecture(
        audit_arch=0xC000003E,
        seccomp=317,
        watched={
            "connect": 42, "fsync": 74, "fdatasync": 75, "pwrite": 18, "pwritev": 296, "fallocate": 285,
            "sendto": 44, "write": 1, "writev": 20, "recvfrom": 45, "read": 0, "readv": 19,
            "socket": 41, "accept": 43, "accept4": 288, "open": 2, "openat": 257,
        },
    ),
    "aarch64": Architecture(
        audit_arch=0xC00000B7,
        seccomp=277,
        watched={
            "connect": 203, "fsync": 82, "fdatasync": 83, "pwrite": 68, "pwritev": 70, "fallocate": 47,
            "sendto": 206, "write": 64, "writev": 66, "recvfrom": 207, "read": 63, "readv": 65,
            "socket": 198, "accept": 202, "accept4": 242, "openat": 56,
        },
    ),
}  # fmt: skip
"""By the machine's name, as uname(2) returns it."""
