"""Reads the arguments of reported calls: one reader for each call that can be watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.processes.syscalls._address import SOCKADDR_BYTES_MAX, SocketAddress, parse_address
from harness.processes.syscalls._architecture import this_architecture
from harness.processes.syscalls._notification import Notification
from harness.processes.syscalls._process import process_of, read_memory, socket_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A reported call, read: what rules are matched against."""

    name: str
    pid: int
    tid: int
    address: SocketAddress
    socket_type: int | None
    descriptor: int = -1


def read_connect(notification: Notification) -> Call:
    """connect(int fd, struct sockaddr *address, int length)."""
    descriptor, pointer, length = notification.arguments[:3]
    size = min(length & 0xFFFFFFFF, SOCKADDR_BYTES_MAX)
    address = parse_address(read_memory(notification.tid, pointer, size))
    pid = process_of(notification.tid) or notification.tid
    number = descriptor & 0xFFFFFFFF
    kind = socket_type(pid, number)
    return Call(name="connect", pid=pid, tid=notification.tid, address=address, socket_type=kind, descriptor=number)


_READERS: Mapping[str, Callable[[Notification], Call]] = {"connect": read_connect}


def readers() -> Mapping[int, Callable[[Notification], Call]]:
    """Return the readers by the number that this machine gives their call."""
    watched = this_architecture().watched
    return {watched[name]: reader for name, reader in _READERS.items()}
