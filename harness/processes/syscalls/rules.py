"""Rules: which call of a process gets which answer. They are values, the same on both sides."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final, Literal

from harness.errors import UsageError

FileCall = Literal["fsync", "fdatasync", "pwrite", "pwritev", "fallocate"]
"""Calls whose first argument is a file's descriptor."""
StreamCall = Literal["sendto", "write", "writev", "recvfrom", "read", "readv"]
"""Calls that send or receive on a descriptor, their first argument."""
OpeningCall = Literal["socket", "accept", "accept4", "open", "openat"]
"""Calls that return a new descriptor."""
WatchedCall = Literal["connect", FileCall, StreamCall, OpeningCall]
SENDS: Final[tuple[StreamCall, ...]] = ("sendto", "write", "writev")
RECEIVES: Final[tuple[StreamCall, ...]] = ("recvfrom", "read", "readv")
Transport = Literal["stream", "datagram"]

ERRNO_MAX = 4095  # MAX_ERRNO in linux/err.h: a larger value is no error to the C library


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRule:
    """Answer the process's own connect() to `host`:`port` with `errno`.

    Address and port are those that the process uses, numeric; `host=None` means any. An IPv4 address also matches in
    its IPv6-mapped form. Only stream sockets match: a name lookup connects datagram sockets to the same address, to
    sort its results. `times` counts down with each answer given; None means until the rule is replaced. Raises
    `UsageError` on values that do not fit.
    """

    id: str
    host: str | None
    port: int
    errno: int
    times: int | None = None

    def __post_init__(self) -> None:
        place = f"connect rule {self.id!r}"
        _check_host(place, self.host)
        _check_port(place, "port", self.port)
        _check_errno(place, self.errno)
        _check_times(place, self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRule:
    """Answer the process's own `calls` with `errno` if their descriptor is a file below `folder`.

    `folder` is the kernel's path, without symbolic links. `title`: only processes whose command line, as `ps` shows it,
    begins with this: PostgreSQL names its sessions there. `times` counts down with each answer given; None means until
    the rule is replaced. Raises `UsageError` on values that do not fit.
    """

    id: str
    calls: tuple[FileCall, ...]
    folder: str
    errno: int
    title: str = ""
    times: int | None = None

    def __post_init__(self) -> None:
        place = f"file rule {self.id!r}"
        if not self.folder.startswith("/"):
            raise UsageError.at(place, "folder", self.folder, "not a whole path", mend="write it from / on")
        _check_errno(place, self.errno)
        _check_times(place, self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRule:
    """Answer the process's own `calls` with `errno` if their descriptor is a TCP connection to `port`.

    The kernel says where the connection leads, so other sockets, pipes and files are never struck. `times` as of
    `FileRule`. Raises `UsageError` on values that do not fit.
    """

    id: str
    calls: tuple[StreamCall, ...]
    port: int
    errno: int
    times: int | None = None

    def __post_init__(self) -> None:
        place = f"stream rule {self.id!r}"
        _check_port(place, "port", self.port)
        _check_errno(place, self.errno)
        _check_times(place, self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRule:
    """Answer the process's own `calls`, which ask for a new descriptor, with `errno`.

    `socket` means TCP sockets only. `path`: only files whose path, as the process writes it, begins with this. `times`
    as of `FileRule`. Raises `UsageError` on values that do not fit.
    """

    id: str
    calls: tuple[OpeningCall, ...]
    errno: int
    path: str = ""
    times: int | None = None

    def __post_init__(self) -> None:
        place = f"opening rule {self.id!r}"
        _check_errno(place, self.errno)
        _check_times(place, self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRule:
    """Redirect the process's own connect() to `host`:`port` to `to_port` of 127.0.0.1. `host=None` means any.

    Only sockets of the given `transport` match: "stream" (TCP) or "datagram" (UDP). Nothing else is changed: the kernel
    performs the call, with an address that replaces the one in the process's memory. Raises `UsageError` on values that
    do not fit.
    """

    id: str
    host: str | None
    port: int
    to_port: int
    transport: Transport

    def __post_init__(self) -> None:
        place = f"lead rule {self.id!r}"
        _check_host(place, self.host)
        for key in ("port", "to_port"):
            _check_port(place, key, getattr(self, key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """A server, and the port of 127.0.0.1 that stands for it."""

    host: str
    port: int
    to_port: int

    def __post_init__(self) -> None:
        place = f"caught server {self.host}:{self.port}"
        _check_host(place, self.host)
        for key in ("port", "to_port"):
            _check_port(place, key, getattr(self, key))


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchRule:
    """Redirect every TCP connect() that a server would accept to a port of 127.0.0.1: one port for each server.

    `ports`: a new server gets the next free one, and keeps it when the rules are replaced. `known`: servers that have a
    port already. `machines`: addresses of other machines whose servers are caught as well. A connect that no server of
    this machine would accept is left to the kernel, so that the program sees the kernel's own refusal: the relay's port
    would accept it first. Raises `UsageError` on values that do not fit.
    """

    id: str
    ports: tuple[int, ...]
    known: tuple[Caught, ...] = ()
    machines: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        place = f"catch rule {self.id!r}"
        for port in self.ports:
            _check_port(place, "ports", port)
        for host in self.machines:
            _check_host(place, host)


FailRule = ConnectRule | FileRule | StreamRule | OpeningRule
"""Rules that answer with an error."""
Rule = FailRule | LeadRule | CatchRule
"""Every kind of rule there is."""


def _check_errno(place: str, number: int) -> None:
    if not 1 <= number <= ERRNO_MAX:
        raise UsageError.at(place, "errno", number, "not an error number", mend="write errno.EINVAL or the like")


def _check_times(place: str, times: int | None) -> None:
    if times is not None and times < 1:
        raise UsageError.at(place, "times", times, "never applies", mend="write 1 or more, or None for always")


def _check_host(place: str, host: str | None) -> None:
    if host is not None and canonical_host(host) is None:
        raise UsageError.at(place, "host", host, "not a numeric address", mend="write 127.0.0.1, ::1 or None")


def _check_port(place: str, key: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise UsageError.at(place, key, port, "not a port", mend="write one from 1 to 65535")


def canonical_host(host: str) -> str | None:
    """Return one spelling for each address, IPv4 for an IPv6-mapped one; None if it is not an address."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            packed = socket.inet_pton(family, host)
        except OSError:
            continue
        return socket.inet_ntop(family, packed).removeprefix("::ffff:")
    return None
