"""Makes a process end when the process that forked it ends, for any reason."""

from __future__ import annotations

import os
import signal

from harness.processes.syscalls.libc import prctl
from harness.processes.syscalls.linux.prctl_h import PR_SET_PDEATHSIG


def die_with(parent: int) -> None:
    """Make the kernel kill this process when the thread of `parent` that forked it ends. Call it in the fork."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel knew
        os._exit(1)
