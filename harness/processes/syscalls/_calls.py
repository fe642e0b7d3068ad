"""Reads the arguments of reported calls: one reader for each call that can be watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from harness.processes.syscalls._address import SOCKADDR_BYTES_MAX, SocketAddress, parse_address
from harness.processes.syscalls._architecture import this_architecture
from harness.processes.syscalls._notification import Notification
from harness.processes.syscalls._process import path_of, process_of, read_memory, socket_type
from harness.processes.syscalls._rules import FileCall

NO_ADDRESS = SocketAddress(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A reported call, read: what rules are matched against."""

    name: str
    pid: int
    tid: int
    address: SocketAddress = NO_ADDRESS
    socket_type: int | None = None
    descriptor: int = -1
    path: str = ""
    """Of the file that the descriptor leads to; empty if that is no file's."""


def read_connect(notification: Notification) -> Call:
    """connect(int fd, struct sockaddr *address, int length)."""
    descriptor, pointer, length = notification.arguments[:3]
    size = min(length & 0xFFFFFFFF, SOCKADDR_BYTES_MAX)
    address = parse_address(read_memory(notification.tid, pointer, size))
    pid = process_of(notification.tid) or notification.tid
    number = descriptor & 0xFFFFFFFF
    kind = socket_type(pid, number)
    return Call(name="connect", pid=pid, tid=notification.tid, address=address, socket_type=kind, descriptor=number)


def file_reader(name: FileCall) -> Callable[[Notification], Call]:
    """fsync(int fd) and others whose first argument is a file's descriptor."""

    def read(notification: Notification) -> Call:
        number = notification.arguments[0] & 0xFFFFFFFF
        pid = process_of(notification.tid) or notification.tid
        return Call(name=name, pid=pid, tid=notification.tid, descriptor=number, path=path_of(pid, number))

    return read


_READERS: Mapping[str, Callable[[Notification], Call]] = {
    "connect": read_connect,
    **{name: file_reader(name) for name in get_args(FileCall)},
}


def readers() -> Mapping[int, Callable[[Notification], Call]]:
    """Return the readers by the number that this machine gives their call."""
    watched = this_architecture().watched
    return {watched[name]: reader for name, reader in _READERS.items()}
