"""The servers of a session: one set per thread that runs scenarios."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from harness.engine.laying.testbed import Testbed
from harness.errors import HarnessError


class Beds:
    """Opens a testbed for each thread that needs one. Closes one of them, or all."""

    def __init__(self, opener: Callable[[], AbstractContextManager[Testbed]]) -> None:
        self._opener = opener
        self._lock = threading.Lock()
        self._open: dict[int, tuple[Testbed, ExitStack]] = {}
        self._closed = False

    def mine(self) -> Testbed:
        """This thread's testbed. Raises HarnessError for servers that do not come up."""
        me = threading.get_ident()
        with self._lock:
            there = self._open.get(me)
        if there is not None:
            return there[0]
        exits = ExitStack()
        bed = exits.enter_context(self._opener())
        with self._lock:
            if not self._closed:
                self._open[me] = (bed, exits)
                return bed
        exits.close()
        raise HarnessError("the session has ended meanwhile", hint="begin a new one")

    def close_mine_if_unfit(self) -> None:
        """Take this thread's servers down if one of them died, or was changed in a way that outlives a run."""
        with self._lock:
            there = self._open.get(threading.get_ident())
        if there is not None and (there[0].changed or there[0].stack.dead() is not None):
            self.close_mine()

    def close_mine(self) -> None:
        """Take this thread's servers down; the next call of `mine` brings up new ones."""
        with self._lock:
            there = self._open.pop(threading.get_ident(), None)
        if there is not None:
            there[1].close()

    def close(self, *, for_good: bool = False) -> None:
        """Take all servers down. `for_good`: none is brought up again."""
        with self._lock:
            self._closed = self._closed or for_good
            exits = [each for _, each in self._open.values()]
            self._open.clear()
        with ExitStack() as all_of_them:  # each is closed, whatever happens to another
            for each in exits:
                all_of_them.callback(each.close)
