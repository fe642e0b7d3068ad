"""The servers on which a lane performs its runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from harness.engine.laying.testbed import Testbed
from harness.errors import HarnessError


class Bed:
    """Opens a testbed when one is needed, and keeps it for the next run if that one may use it."""

    def __init__(self, opener: Callable[[], AbstractContextManager[Testbed]]) -> None:
        self._opener = opener
        self._there: tuple[Testbed, ExitStack] | None = None
        self._closed = False

    def open(self) -> Testbed:
        """The testbed. Raises HarnessError if the servers do not start."""
        if self._closed:
            raise HarnessError("the session has ended", hint="start a new one")
        if self._there is None:
            exits = ExitStack()
            self._there = exits.enter_context(self._opener()), exits
        return self._there[0]

    def close_if_unfit(self) -> None:
        """Stop the servers if one of them died, or was changed in a way that outlives a run."""
        if self._there is not None and (self._there[0].changed or self._there[0].stack.dead() is not None):
            self.close()

    def close(self, *, for_good: bool = False) -> None:
        """Stop the servers. The next call of `open` starts new ones, unless this was `for_good`."""
        self._closed = self._closed or for_good
        there, self._there = self._there, None
        if there is not None:
            there[1].close()
