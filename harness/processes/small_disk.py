"""Mounts a small file system that can be seen only through this process's /proc/PID/root, and waits.

Arguments: the pid of the process that must see it, too; the folder to mount it on; its size in bytes. It needs no root:
in a user namespace anyone may mount a tmpfs, in a mount namespace that ends with this process. A process may look
through another's /proc/PID/root only if it has all of the other's privileges (ptrace(2), "access mode checking"). So
this process enters the other's user namespace, and finally executes itself again, which leaves it no privileges.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.processes.bare import bare_command
from harness.processes.keeper.inside.namespaces import Ids, enter_user_namespace
from harness.processes.syscalls.libc import mount, setns, unshare
from harness.processes.syscalls.linux.mount_h import MS_PRIVATE, MS_REC
from harness.processes.syscalls.linux.sched_h import CLONE_NEWNS, CLONE_NEWUSER

READY = "the small disk is mounted"
"""The line that this process prints when the disk is mounted."""
_MODULE = "harness.processes.small_disk"
_WAIT = "wait"


def small_disk_command(pid: int, folder: Path, size_bytes: int) -> tuple[str, ...]:
    """Return the command line of such a process."""
    return bare_command(_MODULE, str(pid), str(folder), str(size_bytes))


def main(arguments: Sequence[str]) -> int:
    """Mount it, and wait for a signal. Raises OSError."""
    if list(arguments) == [_WAIT]:
        os.write(sys.stdout.fileno(), f"{READY}\n".encode())
        signal.pause()
    else:
        _mount(*arguments)
    return 0


def _mount(pid: str, folder: str, size: str) -> None:
    _enter_user_namespace_of(int(pid))
    unshare(CLONE_NEWNS)
    mount("none", "/", MS_REC | MS_PRIVATE)
    mount("tmpfs", folder, 0, f"size={size},mode=700")
    command = bare_command(_MODULE, _WAIT)
    os.execv(command[0], command)  # noqa: S606  # itself, without privileges


def _enter_user_namespace_of(pid: int) -> None:
    its = Path(f"/proc/{pid}/ns/user")
    if its.samefile("/proc/self/ns/user"):
        # It may look into a namespace that its own user has made.
        enter_user_namespace(Ids(os.geteuid(), os.getegid()))
        return
    descriptor = os.open(its, os.O_RDONLY)
    setns(descriptor, CLONE_NEWUSER)
    os.close(descriptor)
