"""The time that a request may take, in one place."""

import asyncio
import math


class Deadline:
    """A point on the event loop's clock; without a limit it never comes."""

    __slots__ = ("at", "scope")

    def __init__(self, limit_s: float | None) -> None:
        now = asyncio.get_running_loop().time()
        self.at = math.inf if limit_s is None else now + limit_s
        self.scope = asyncio.timeout_at(None if limit_s is None else self.at)
        """`async with` it: whatever runs inside is cancelled when the time is over."""

    def allows(self, pause_s: float) -> bool:
        """Tell whether anything could still be done after that pause."""
        return asyncio.get_running_loop().time() + pause_s < self.at

    @property
    def passed(self) -> bool:
        """Whether the scope ended because of this deadline, and for no other reason."""
        return self.scope.expired()
