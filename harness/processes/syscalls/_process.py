"""Looking into a process whose thread waits in a reported call."""

from __future__ import annotations

import contextlib
import io
import os
import socket

from harness.processes.syscalls._libc import pidfd_getfd, pidfd_open

ADDRESS_MAX = 1 << 63  # a file offset has no more; no user address does


def process_of(tid: int) -> int | None:
    """Return the pid of a thread's process (`Tgid` in /proc/TID/status, proc(5)); None if it is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError), io.FileIO(f"/proc/{tid}/status") as file:
        for line in file:
            if line.startswith(b"Tgid:"):
                return int(line[5:])
    return None


def read_memory(tid: int, address: int, size: int) -> bytes:
    """Read its memory; shorter or empty where there is none to read, or it may not be read.

    A program that changed its user or may not be read itself keeps others out of its memory.
    """
    if address >= ADDRESS_MAX:
        return b""
    try:
        memory = os.open(f"/proc/{tid}/mem", os.O_RDONLY)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
    try:
        return os.pread(memory, size, address)
    except OSError:
        return b""  # EIO: not mapped. The kernel will say EFAULT to its owner.
    finally:
        os.close(memory)


def socket_type(pid: int, descriptor: int) -> int | None:
    """Return the type of a process's socket (SOCK_STREAM ...); None where it cannot be told.

    By a duplicate of it (pidfd_getfd(2), Linux 5.6).
    """
    try:
        handle = pidfd_open(pid)
    except OSError:
        return None
    try:
        duplicate = pidfd_getfd(handle, descriptor)
    except OSError:
        return None
    finally:
        os.close(handle)
    try:
        with socket.socket(fileno=duplicate) as twin:
            return twin.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
    except OSError:
        return None  # not a socket: the kernel will say ENOTSOCK to its owner
