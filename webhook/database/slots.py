"""How many transactions are under way at once: few, while they are quick.

The fewer there are, the more deliveries share one. But one that hangs must not hold the others up: after a while
another may begin beside it, as if it were not there.
"""

import asyncio
from collections.abc import Callable


class Slots:
    """`few` at once that are quick, and `most` in all; `freed` is called when another may begin."""

    def __init__(self, *, few: int, most: int, quick_s: float, freed: Callable[[], None]) -> None:
        self._few = few
        self._most = most
        self._quick_s = quick_s
        self._freed = freed
        self._slow = 0
        self._taken = 0

    @property
    def free(self) -> bool:
        """Whether another may begin."""
        return self._taken - self._slow < self._few and self._taken < self._most

    def take(self) -> "Slot":
        """Begin one."""
        self._taken += 1
        return Slot(self, self._quick_s)

    def is_slow(self) -> None:
        """Take one for slow, until it ends."""
        self._slow += 1
        self._freed()

    def ended(self, *, slow: bool) -> None:
        """Count one less."""
        self._taken -= 1
        self._slow -= slow
        self._freed()


class Slot:
    """One transaction under way."""

    __slots__ = ("_slots", "_slow", "_timer")

    def __init__(self, slots: Slots, quick_s: float) -> None:
        self._slots = slots
        self._slow = False
        self._timer = asyncio.get_running_loop().call_later(quick_s, self._overdue)

    def give_back(self) -> None:
        """It has ended."""
        self._timer.cancel()
        self._slots.ended(slow=self._slow)

    def _overdue(self) -> None:
        self._slow = True
        self._slots.is_slow()
