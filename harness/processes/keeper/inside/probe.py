"""Tries whether this machine allows user namespaces."""

from __future__ import annotations

import errno
import os

from harness.capability import Capability
from harness.errors import HarnessError
from harness.processes.bare import run_probe


def user_namespaces_available() -> Capability:
    """Try to become an ordinary user of a new user namespace. Never raises."""
    name = "user namespaces"
    try:
        status, said = run_probe("harness.processes.keeper.inside.namespaces")
    except (HarnessError, OSError) as error:
        return Capability(name, available=False, detail=str(error), mend="run the harness where it may start processes")
    if status == 0:
        return Capability(name, available=True, detail="entered one and mapped a user in it")
    why = f"{os.strerror(status)} ({errno.errorcode[status]})" if status in errno.errorcode else f"status {status}"
    detail = f"refused: {why}{': ' + said if said else ''}"
    return Capability(name, available=False, detail=detail, mend=_mend(status))


def _mend(number: int) -> str:
    if number == errno.ENOSPC:
        return "sysctl user.max_user_namespaces=10000"
    return (
        "allow them: sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), "
        "kernel.unprivileged_userns_clone=1 (Debian), or a container whose seccomp profile permits unshare"
    )
