"""What asyncio tells of and nobody called: above all that no connection can be accepted, since no descriptor is left.

asyncio then waits for a second and tries again; whoever connects meanwhile waits in the kernel's queue. It tells of it
for each place in that queue, two thousand times in a second, each time with a traceback.

It also tells of a connect of asyncpg's that was given up just as it succeeded: the connection is closed, and a future
that nobody has any more gets that as its exception. Who waited for the connect has had the time-out.
"""

import errno
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any

from webhook.logs import Log, describe

SHORT_OF = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""What asyncio takes for a shortage that may pass."""
NEVER_ASKED_FOR = "Future exception was never retrieved"
"""What asyncio says of a future whose exception nobody took. Of a task it says so in other words."""
OVER_AFTER_S = 5.0
"""A shortage is over if it was not met for so long: the next one is told again. asyncio meets it each second."""


class Shortage:
    """Tells of a shortage once, however often it is met."""

    def __init__(self, log: Log, *, clock: Callable[[], float]) -> None:
        self._log = log
        self._clock = clock
        self._met_at: float | None = None

    def handle(self, loop: AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle what the loop tells of; all else as asyncio does."""
        error = context.get("exception")
        if isinstance(error, ConnectionError) and context.get("message") == NEVER_ASKED_FOR:
            self._log.warning("abandoned_connection_ended", error=describe(error))
            return
        if not isinstance(error, OSError) or error.errno not in SHORT_OF or "socket" not in context:
            loop.default_exception_handler(context)
            return
        now, before = self._clock(), self._met_at
        self._met_at = now
        if before is None or now - before > OVER_AFTER_S:
            self._log.warning("accept_failed", detail="who connects now has to wait", error=describe(error))
