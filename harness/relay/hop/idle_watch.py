"""Finds connections that have been idle for long, as a firewall does, by the segments that come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Generic, Protocol, TypeVar

from harness.relay.connection.side import Side

LOOKS_IN_THE_TIME: Final = 8


class Watched(Protocol):
    """The part of a connection that shows whether it is idle."""

    @property
    def service(self) -> Side:
        """The service's socket."""
        ...


LineT = TypeVar("LineT", bound=Watched)


class IdleWatch(Generic[LineT]):
    """Calls `found` for each of `lines` on which no segment has come or gone for `idle_s`, not even keepalive."""

    def __init__(self, idle_s: float, lines: Callable[[], Iterable[LineT]], found: Callable[[LineT], None]) -> None:
        self._idle_s = idle_s
        self._lines = lines
        self._found = found
        self._seen: dict[LineT, tuple[int, float]] = {}
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Look, and look again soon, until `stop`."""
        now = self._loop.time()
        before, self._seen = self._seen, {}
        for line in self._lines():
            segments = line.service.segments()
            known = before.get(line)
            if known is None or known[0] != segments:
                self._seen[line] = segments, now
            elif now - known[1] < self._idle_s:
                self._seen[line] = known
            else:
                self._found(line)
        self._next = self._loop.call_later(self._idle_s / LOOKS_IN_THE_TIME, self.look)

    def stop(self) -> None:
        """Stop looking."""
        if self._next is not None:
            self._next.cancel()
