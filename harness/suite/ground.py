"""The part that a lane's successive testbeds share, so that new servers need no new import of the service."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from harness.engine.laying.testbed import Ground
from harness.errors import HarnessError


class KeptGround:
    """Opens a ground when one is needed, and keeps it for the next testbed."""

    def __init__(self, opener: Callable[[Path], AbstractContextManager[Ground]]) -> None:
        self._opener = opener
        self._there: tuple[Ground, ExitStack] | None = None
        self._closed = False

    def open(self, logs: Path) -> Ground:
        """The ground; a new one if the last testbed has left anything on it. Raises HarnessError."""
        if self._closed:
            raise HarnessError("the session has ended", hint="start a new one")
        if self._there is not None and not self._there[0].bare:
            self.close()
        if self._there is None:
            exits = ExitStack()
            self._there = exits.enter_context(self._opener(logs)), exits
        return self._there[0]

    def close(self, *, for_good: bool = False) -> None:
        """End every process on it. `for_good`: none is opened again. Close the testbed first."""
        self._closed = self._closed or for_good
        there, self._there = self._there, None
        if there is not None:
            there[1].close()
