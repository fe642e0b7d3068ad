"""The architecture of this machine."""

from __future__ import annotations

import errno
import os
import struct

from harness.processes.syscalls.linux.unistd_h import ARCHITECTURES, Architecture


def this_architecture() -> Architecture:
    """Return this machine's architecture. Raises `OSError` (ENOSYS) if its call numbers are not known here."""
    name = os.uname().machine
    found = ARCHITECTURES.get(name)
    if found is None or struct.calcsize("P") != 8:
        known = ", ".join(sorted(ARCHITECTURES))
        raise OSError(errno.ENOSYS, f"system calls of {name!r} (64-bit) are not known; known: {known}")
    return found
