"""Limits how many transactions run at once: few, while they are quick.

The fewer transactions run, the more deliveries share one. But a transaction that hangs must not delay the others: after
a while another may start beside it.
"""

import asyncio
from collections.abc import Callable


class Slots:
    """Allows `few` quick ones at once, and `most` in total. `freed` is called when another may start."""

    def __init__(self, *, few: int, most: int, quick_s: float, freed: Callable[[], None]) -> None:
        self._few = few
        self._most = most
        self._quick_s = quick_s
        self._freed = freed
        self._slow = 0
        self._taken = 0

    @property
    def free(self) -> bool:
        """Whether another may start."""
        return self._taken - self._slow < self._few and self._taken < self._most

    def take(self) -> "Slot":
        """Start one."""
        self._taken += 1
        return Slot(self, self._quick_s)

    def is_slow(self) -> None:
        """Treat one as slow until it ends."""
        self._slow += 1
        self._freed()

    def ended(self, *, slow: bool) -> None:
        """Count one less."""
        self._taken -= 1
        self._slow -= slow
        self._freed()


class Slot:
    """One running transaction."""

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
