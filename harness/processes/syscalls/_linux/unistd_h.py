"""System call numbers. Source: asm/unistd_64.h (x86_64), asm-generic/unistd.h (aarch64).

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
    """What one machine calls things."""

    audit_arch: int
    seccomp: int
    watched: Mapping[str, int]


ARCHITECTURES: Mapping[str, Architecture] = {
    "x86_64": Architecture(audit_arch=0xC000003E, seccomp=317, watched={"connect": 42, "fsync": 74, "fdatasync": 75}),
    "aarch64": Architecture(audit_arch=0xC00000B7, seccomp=277, watched={"connect": 203, "fsync": 82, "fdatasync": 83}),
}
"""By the machine's name, as uname(2) returns it."""
