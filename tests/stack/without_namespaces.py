"""Run a program as root where user namespaces are closed: `python -m tests.stack.without_namespaces PROGRAM...`."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000


def main() -> None:
    close_user_namespaces()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the test's own program


def close_user_namespaces() -> None:
    """Move into a user namespace with every user of this one, in which there can be no further ones."""
    parent_waits, child_tells = os.pipe()
    inside, outside = os.pipe()
    target = os.getpid()
    if os.fork() == 0:  # stays outside, where the map may be written
        os.read(parent_waits, 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{target}/{name}").write_text("0 0 70000", encoding="ascii")
        os.write(outside, b"x")
        os._exit(0)
    if ctypes.CDLL(None).unshare(CLONE_NEWUSER) != 0:
        os._exit(99)
    os.write(child_tells, b"x")
    os.read(inside, 1)
    Path("/proc/sys/user/max_user_namespaces").write_text("0", encoding="ascii")


if __name__ == "__main__":
    main()
