"""Reads and writes memory, and looks at sockets, of a process whose thread waits in a reported call."""

from __future__ import annotations

import contextlib
import io
import os
import socket

from harness.processes.syscalls.destinations.address import SocketAddress
from harness.processes.syscalls.libc import pidfd_getfd, pidfd_open

ADDRESS_MAX = 1 << 63  # a file offset has no more; no user address does


def process_of(tid: int) -> int | None:
    """Return the pid of a thread's process (`Tgid` in /proc/TID/status, proc(5)); None if it is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError), io.FileIO(f"/proc/{tid}/status") as file:
        for line in file:
            if line.startswith(b"Tgid:"):
                return int(line[5:])
    return None


def read_memory(tid: int, address: int, size: int) -> bytes:
    """Read its memory; shorter or empty if some of it is not mapped or not readable.

    The memory of a program that changed its user, or that may not be read itself, is protected.
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
        return b""  # EIO: not mapped. The kernel will return EFAULT to the process.
    finally:
        os.close(memory)


def write_memory(tid: int, address: int, data: bytes) -> bool:
    """Write into its memory; False if that is not allowed, or if it is not all mapped."""
    try:
        memory = os.open(f"/proc/{tid}/mem", os.O_WRONLY)
    except OSError:
        return False
    try:
        return os.pwrite(memory, data, address) == len(data)
    except OSError:
        return False
    finally:
        os.close(memory)


def title_of(pid: int) -> str:
    """Return a process's command line, as the process shows it; empty if it is gone."""
    with contextlib.suppress(OSError), io.FileIO(f"/proc/{pid}/cmdline") as file:
        return file.readall().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    return ""


def path_of(pid: int, descriptor: int) -> str:
    """Return the kernel's path of a process's open file; empty if it is not a file, or unknown."""
    try:
        path = os.readlink(f"/proc/{pid}/fd/{descriptor}")  # noqa: PTH115 - not a path of ours
    except OSError:
        return ""  # perhaps not open: the kernel will return EBADF to the process
    return path if path.startswith("/") else ""


def socket_type(pid: int, descriptor: int) -> int | None:
    """Return the type of a process's socket (SOCK_STREAM ...); None if it is unknown."""
    try:
        with _twin(pid, descriptor) as twin:
            return twin.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
    except OSError:
        return None  # perhaps not a socket: the kernel will return ENOTSOCK to the process


def peer_of(pid: int, descriptor: int) -> tuple[int | None, SocketAddress]:
    """Return the type of a process's socket and the address of its other end; (None, no address) if it has none."""
    try:
        if not os.readlink(f"/proc/{pid}/fd/{descriptor}").startswith("socket:"):  # noqa: PTH115 - not a path
            return None, SocketAddress(None)
        with _twin(pid, descriptor) as twin:
            if twin.family not in (socket.AF_INET, socket.AF_INET6):
                return None, SocketAddress(twin.family)
            host, port = twin.getpeername()[:2]
            return twin.type, SocketAddress(twin.family, host, port)
    except OSError:
        return None, SocketAddress(None)  # not connected, or closed since


def allow_ipv4(pid: int, descriptor: int) -> None:
    """Let a process's IPv6 socket connect to a mapped IPv4 address, too, unless it is too late for that."""
    with contextlib.suppress(OSError), _twin(pid, descriptor) as twin:
        twin.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)


def _twin(pid: int, descriptor: int) -> socket.socket:
    """Duplicate a process's socket (pidfd_getfd(2), Linux 5.6): both are one, with one set of options."""
    handle = pidfd_open(pid)
    try:
        twin = pidfd_getfd(handle, descriptor)
    finally:
        os.close(handle)
    try:
        return socket.socket(fileno=twin)
    except OSError:
        os.close(twin)  # it is no socket
        raise
