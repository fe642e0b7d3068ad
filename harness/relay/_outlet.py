"""What the engine of a connection can do to it: the transports' side, or a test's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from harness.protocols.contract.frames import Direction
from harness.relay.reports import Report

Cancel = Callable[[], None]


class Outlet(Protocol):
    """Called by the engine; never raises. `direction` is the way the bytes go."""

    def forward(self, direction: Direction, data: bytes) -> None:
        """Pass bytes on."""
        ...

    def finish(self, direction: Direction) -> None:
        """Pass on that no more will come."""
        ...

    def close(self) -> None:
        """Close both sides, once what was forwarded has gone. Nothing is forwarded after it."""
        ...

    def reset(self) -> None:
        """The same, but the service gets a TCP reset."""
        ...

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Cancel:
        """Call back after that time; returns what prevents it."""
        ...

    def start_tls(self, *, server_too: bool) -> None:
        """Go on in TLS towards the service, and towards the server, once what was forwarded has gone."""
        ...

    def drained(self) -> None:
        """Something that waited has been passed on."""
        ...

    def report(self, report: Report) -> None:
        """Tell the owner of the hop."""
        ...
