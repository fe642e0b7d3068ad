"""A reported system call and its answer."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Literal

NotLed = Literal["nothing listens there", "another machine", "another network", "no port is left"]
"""Why a connect is not redirected, under a `CatchRule`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyscallEvent:
    """A watched call of a process or one of its descendants.

    `seq` counts from 0 for each kept process; `t_ns` is CLOCK_MONOTONIC when it was answered. `family` is the address
    family (2 AF_INET, 10 AF_INET6, ...; None if the address could not be read) and `socket_type` the socket's (1
    SOCK_STREAM, 2 SOCK_DGRAM, ...; None if unknown). `host` and `port` are those that the process used, None if the
    family has none. `answer` is the errno it got, None if the call was passed on to the kernel; `rule_id` is the rule
    that decided. `led_to` is the port of 127.0.0.1 to which the connect was redirected, and `not_led` why a `CatchRule`
    did not redirect it. `path` is the path of a Unix socket, or of the file of a call with a file's descriptor. Such a
    call is reported only if a rule decided.
    """

    seq: int
    t_ns: int
    call: str
    pid: int
    tid: int
    family: int | None
    socket_type: int | None
    host: str | None
    port: int | None
    answer: int | None
    rule_id: str | None
    led_to: int | None = None
    not_led: NotLed | None = None
    path: str | None = None

    @property
    def is_stream(self) -> bool:
        """Whether it is a TCP connect. A name lookup connects datagram sockets to the same addresses, to sort them."""
        return self.socket_type in (socket.SOCK_STREAM, None)
