"""Reads the arguments of reported calls: one reader for each call that can be watched."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from harness.processes.syscalls.architecture import this_architecture
from harness.processes.syscalls.destinations.address import SOCKADDR_BYTES_MAX, SocketAddress, parse_address
from harness.processes.syscalls.notification import Notification
from harness.processes.syscalls.process import path_of, peer_of, process_of, read_memory, socket_type
from harness.processes.syscalls.rules import FileCall, OpeningCall, StreamCall

NO_ADDRESS = SocketAddress(None)
PATH_MAX = 4096  # linux/limits.h
SOCK_TYPE_MASK = 0xF  # linux/net.h


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The parsed arguments of a reported call, to which rules are compared."""

    name: str
    pid: int
    tid: int
    address: SocketAddress = NO_ADDRESS
    socket_type: int | None = None
    descriptor: int = -1
    path: str = ""
    """The path of the descriptor's file, or of the file to open; empty if there is none."""


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


def stream_reader(name: StreamCall) -> Callable[[Notification], Call]:
    """sendto(int fd, ...), read(int fd, ...) and others that move bytes. The address is the other end's."""

    def read(notification: Notification) -> Call:
        number = notification.arguments[0] & 0xFFFFFFFF
        pid = process_of(notification.tid) or notification.tid
        kind, address = peer_of(pid, number)
        return Call(name=name, pid=pid, tid=notification.tid, address=address, socket_type=kind, descriptor=number)

    return read


def read_socket(notification: Notification) -> Call:
    """socket(int domain, int type, int protocol). The type has flags, too."""
    domain, kind = notification.arguments[0] & 0xFFFFFFFF, notification.arguments[1] & SOCK_TYPE_MASK
    pid = process_of(notification.tid) or notification.tid
    return Call(name="socket", pid=pid, tid=notification.tid, address=SocketAddress(domain), socket_type=kind)


def accept_reader(name: OpeningCall) -> Callable[[Notification], Call]:
    """accept(int fd, ...) and accept4."""

    def read(notification: Notification) -> Call:
        number = notification.arguments[0] & 0xFFFFFFFF
        pid = process_of(notification.tid) or notification.tid
        return Call(name=name, pid=pid, tid=notification.tid, descriptor=number)

    return read


def open_reader(name: OpeningCall, argument: int) -> Callable[[Notification], Call]:
    """open(const char *path, ...) and openat(int folder, const char *path, ...)."""

    def read(notification: Notification) -> Call:
        raw = read_memory(notification.tid, notification.arguments[argument], PATH_MAX)
        pid = process_of(notification.tid) or notification.tid
        return Call(name=name, pid=pid, tid=notification.tid, path=os.fsdecode(raw.partition(b"\0")[0]))

    return read


_READERS: Mapping[str, Callable[[Notification], Call]] = {
    "connect": read_connect,
    **{name: file_reader(name) for name in get_args(FileCall)},
    **{name: stream_reader(name) for name in get_args(StreamCall)},
    "socket": read_socket,
    "accept": accept_reader("accept"),
    "accept4": accept_reader("accept4"),
    "open": open_reader("open", 0),
    "openat": open_reader("openat", 1),
}


def readers() -> Mapping[int, Callable[[Notification], Call]]:
    """Return the readers by the number that this machine gives their call."""
    return {number: _READERS[name] for name, number in this_architecture().watched.items()}


def names() -> Mapping[int, str]:
    """Return the calls by the number that this machine gives them."""
    return {number: name for name, number in this_architecture().watched.items()}
