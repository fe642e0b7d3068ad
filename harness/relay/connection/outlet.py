"""How the engine acts on its connection. The transports implement it, and tests do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from harness.protocols.contract.frames import Direction
from harness.relay.control.reports import Report

Cancel = Callable[[], None]


class Outlet(Protocol):
    """The engine calls it; it never raises. `direction` is the direction in which the bytes go."""

    def forward(self, direction: Direction, data: bytes) -> None:
        """Send bytes on."""
        ...

    def finish(self, direction: Direction) -> None:
        """Signal to the receiver that no more bytes will come."""
        ...

    def close(self) -> None:
        """Close both sides after the forwarded bytes are written. Nothing is forwarded after that."""
        ...

    def reset(self) -> None:
        """Do the same, but reset the service's side (RST)."""
        ...

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Cancel:
        """Call back after that time; return a function that prevents it."""
        ...

    def declines_tls(self) -> bool:
        """Whether a service that asks for TLS now gets "no", and may continue without."""
        ...

    def start_tls(self, *, server_too: bool) -> None:
        """Start TLS with the service, and with the server, after the forwarded bytes are written."""
        ...

    def drained(self) -> None:
        """Some of the queued bytes were forwarded."""
        ...

    def report(self, report: Report) -> None:
        """Report to the control connection that owns the hop."""
        ...
