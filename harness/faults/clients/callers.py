"""The scenario's clients, as a fault sees them: whose request is open, and how to make a client hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from harness.vocabulary import Value


class Caller:
    """A client with an open request. `request`: its number in the history. `port`: the client's own; 0 at first."""

    def __init__(self, request: int) -> None:
        loop = asyncio.get_running_loop()
        self.request = request
        self.port = 0
        self.asked: asyncio.Future[Value] = loop.create_future()
        """Done when the client must hang up; the result is the moment."""
        self._over: asyncio.Future[bool] = loop.create_future()

    async def hang_up(self, at: Value) -> bool:
        """Make the client close its connection. Return when the socket is closed.

        Returns False if the request ended first. `at`: the moment, for the history.
        """
        if not self.asked.done():
            self.asked.set_result(at)
        return await asyncio.shield(self._over)

    def over(self, *, hung_up: bool) -> None:
        """The request has ended, and the socket of a client that hung up is closed."""
        if not self._over.done():
            self._over.set_result(hung_up)


class Callers:
    """The clients of one service, or those of one step."""

    def __init__(self) -> None:
        self._open: list[Caller] = []
        self._watching: list[Callable[[], None]] = []
        self.count = 0
        """How many requests were begun so far."""

    @property
    def open(self) -> Sequence[Caller]:
        """The clients whose request is open, in the order in which they began."""
        return tuple(self._open)

    @contextmanager
    def calling(self, caller: Caller) -> Iterator[None]:
        """The caller's request is open while the block runs."""
        self.count += 1
        self._open.append(caller)
        try:
            yield
        finally:
            self._open.remove(caller)
            for tell in list(self._watching):
                tell()

    def on_end(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Call `tell` whenever a request has ended. Return a function that stops this."""
        self._watching.append(tell)
        return lambda: self._watching.remove(tell)
