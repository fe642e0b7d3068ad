"""What a thread's testbeds stand on, one after another: a replaced server must not cost the service's imports again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from harness.engine.laying.testbed import Ground
from harness.errors import HarnessError


class Grounds:
    """Opens a ground for each thread that needs one, and keeps it for the thread's next testbed."""

    def __init__(self, opener: Callable[[Path], AbstractContextManager[Ground]]) -> None:
        self._opener = opener
        self._lock = threading.Lock()
        self._open: dict[int, tuple[Ground, ExitStack]] = {}
        self._closed = False

    def mine(self, logs: Path) -> Ground:
        """This thread's ground; a new one if the last testbed has left anything on it. Raises HarnessError."""
        me = threading.get_ident()
        with self._lock:
            there = self._open.pop(me, None)
        if there is not None and not there[0].bare:
            there[1].close()
            there = None
        if there is None:
            exits = ExitStack()
            there = exits.enter_context(self._opener(logs)), exits
        with self._lock:
            if not self._closed:
                self._open[me] = there
                return there[0]
        there[1].close()
        raise HarnessError("the session has ended meanwhile", hint="begin a new one")

    def close(self, *, for_good: bool = False) -> None:
        """End every process on them. `for_good`: none is opened again. Close the testbeds first."""
        with self._lock:
            self._closed = self._closed or for_good
            exits = [each for _, each in self._open.values()]
            self._open.clear()
        with ExitStack() as all_of_them:  # each is closed, whatever happens to another
            for each in exits:
                all_of_them.callback(each.close)
