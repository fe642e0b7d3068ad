"""The keeper's parent: if the keeper dies suddenly, the guard kills its processes.

The two watch each other. The keeper notices the guard's end by a pipe. The guard reaps the keeper, inherits its
orphans, kills them, and ends with the keeper's exit status.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Sequence

from harness.processes.keeper.inside.descendants import kill_all, reap_any
from harness.processes.keeper.inside.server import Server
from harness.processes.syscalls.libc import pidfd_open, prctl
from harness.processes.syscalls.linux.prctl_h import PR_SET_CHILD_SUBREAPER

SWEEP_DEADLINE_S = 10.0
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(arguments: Sequence[str]) -> int:
    """`CONTROL_FD HARNESS_PID`: run until the harness has ended or asks for the end."""
    control = socket.socket(fileno=int(arguments[0]))
    control.set_inheritable(False)
    harness = _watch_harness(int(arguments[1]))
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    guard_alive, held_open = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(held_open)
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        return Server(control, [fd for fd in (harness, guard_alive) if fd is not None]).run()
    control.close()
    os.close(guard_alive)
    return _guard(pid)


def _watch_harness(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the harness ends, even if a fork of it holds the connection."""
    try:
        handle = pidfd_open(pid)
    except ProcessLookupError:
        sys.exit(0)
    except OSError:
        return None  # before Linux 5.3: the end of the connection has to do
    if os.getppid() != pid:  # it ended before the handle was made, which may be another process's
        sys.exit(0)
    return handle


def _guard(keeper: int) -> int:
    for signum in FORWARDED:
        # The keeper stays un-reaped until the handlers are gone, so its pid is its own.
        signal.signal(signum, lambda received, _frame: os.kill(keeper, received))
    os.waitid(os.P_PID, keeper, os.WEXITED | os.WNOWAIT)
    for signum in FORWARDED:
        signal.signal(signum, signal.SIG_IGN)
    status = os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1])
    left = kill_all(reap_any, deadline_s=SWEEP_DEADLINE_S)
    if left:
        sys.stderr.write(f"could not end: {', '.join(str(process.pid) for process in left)}\n")
    return 1 if left else status if status >= 0 else 128 - status
