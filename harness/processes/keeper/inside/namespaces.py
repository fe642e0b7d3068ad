"""Runs a child as an ordinary user of a user namespace, if the machine allows it."""

from __future__ import annotations

import errno
import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass

from harness.processes.syscalls.libc import unshare
from harness.processes.syscalls.linux.sched_h import CLONE_NEWUSER

PREFERRED_UID = 1000
NOBODY = 65534  # the kernel's overflow id, which every distribution names


@dataclass(frozen=True, slots=True)
class Ids:
    """A user and its group, by number."""

    uid: int
    gid: int


def inside_ids() -> Ids:
    """Return the ordinary user to become inside: one with a name, because some programs look it up (initdb does)."""
    named = {user.pw_uid: Ids(user.pw_uid, user.pw_gid) for user in pwd.getpwall() if user.pw_uid != 0}
    for uid in (PREFERRED_UID, NOBODY, *sorted(named)):
        if uid in named:
            return named[uid]
    return Ids(PREFERRED_UID, PREFERRED_UID)


def enter_user_namespace(inside: Ids) -> None:
    """Move this process into a new user namespace, as `inside`. It must be single-threaded.

    Raises `OSError` if the machine forbids it; the process may then be in a namespace without ids, and can only end.
    """
    outside = Ids(os.geteuid(), os.getegid())
    unshare(CLONE_NEWUSER)
    _write("/proc/self/setgroups", "deny")  # user_namespaces(7): otherwise we may not write gid_map
    _write("/proc/self/uid_map", f"{inside.uid} {outside.uid} 1")
    _write("/proc/self/gid_map", f"{inside.gid} {outside.gid} 1")


def drop_to_nobody() -> None:
    """Change permanently from root to an unprivileged user."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def namespace_errno() -> int:
    """Return 0 if user namespaces are allowed, otherwise the errno.

    It is tried in a child, so the caller must be allowed to fork.
    """
    inside = inside_ids()
    pid = os.fork()
    if pid == 0:
        code = errno.EIO
        try:
            enter_user_namespace(inside)
            code = 0
        except OSError as error:
            code = error.errno or errno.EIO
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(_arguments: Sequence[str]) -> int:
    """Probe: the errno as the exit status."""
    return namespace_errno()


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)
