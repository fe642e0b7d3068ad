"""Calls of the C library that Python's own modules do not offer.

Each raises `OSError` with the C library's errno.
"""

from __future__ import annotations

import ctypes
import os

from harness.processes.syscalls.linux.unistd_h import PIDFD_GETFD, PIDFD_OPEN, PIDFD_SEND_SIGNAL

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


def prctl(option: int, argument: int = 0) -> int:
    """Set an option of this process or thread (man 2 prctl); arguments after the first are zero."""
    zero = ctypes.c_ulong(0)
    return _checked(_LIBC.prctl(ctypes.c_int(option), ctypes.c_ulong(argument), zero, zero, zero))


def unshare(flags: int) -> None:
    """Leave the namespaces that the flags name (man 2 unshare). Python has it from 3.12 on."""
    _checked(_LIBC.unshare(ctypes.c_int(flags)))


def setns(descriptor: int, flags: int) -> None:
    """Enter the namespace that the descriptor leads to (man 2 setns). Python has it from 3.12 on."""
    _checked(_LIBC.setns(ctypes.c_int(descriptor), ctypes.c_int(flags)))


def mount(kind: str, folder: str, flags: int, options: str = "") -> None:
    """Mount a file system that has no device, or change how one is mounted (man 2 mount)."""
    source, data = kind.encode(), options.encode()
    _checked(_LIBC.mount(source, folder.encode(), source, ctypes.c_ulong(flags), data))


def syscall(number: int, *arguments: int) -> int:
    """Call the kernel by number, with whole numbers (man 2 syscall); pointers are addresses."""
    return _checked(_LIBC.syscall(ctypes.c_long(number), *[ctypes.c_long(value) for value in arguments]))


def pidfd_open(pid: int) -> int:
    """Return a descriptor of a process (man 2 pidfd_open, Linux 5.3); it is close-on-exec.

    Not `os.pidfd_open`: a Python built on an old system, as portable ones are, lacks it.
    """
    return syscall(PIDFD_OPEN, pid, 0)


def pidfd_send_signal(handle: int, signum: int) -> None:
    """Signal exactly that process (man 2 pidfd_send_signal)."""
    syscall(PIDFD_SEND_SIGNAL, handle, signum, 0, 0)


def pidfd_getfd(handle: int, descriptor: int) -> int:
    """Duplicate a descriptor of that process into this one (man 2 pidfd_getfd, Linux 5.6)."""
    return syscall(PIDFD_GETFD, handle, descriptor, 0)


def _checked(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
