"""Handles errors that asyncio reports outside any call, above all that no descriptor is left to accept a connection.

asyncio then waits for a second and tries again; new connections wait in the kernel's queue meanwhile. It reports the
error for each place in that queue, two thousand times per second, each time with a traceback.

It also reports an asyncpg connect that was given up just as it succeeded: the connection is closed, and a future that
no code holds any more gets the exception. The caller of the connect already has the time-out.
"""

import errno
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any

from webhook.logs import Log, describe

SHORT_OF = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""The errors that asyncio treats as a temporary shortage."""
NEVER_ASKED_FOR = "Future exception was never retrieved"
"""asyncio's message about a future whose exception no code retrieved. Its message about a task differs."""
OVER_AFTER_S = 5.0
"""A shortage is over after this time without an error; the next one is logged again. asyncio meets one each second."""


class Shortage:
    """Logs a shortage once, however often asyncio meets it."""

    def __init__(self, log: Log, *, clock: Callable[[], float]) -> None:
        self._log = log
        self._clock = clock
        self._met_at: float | None = None

    def handle(self, loop: AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle an error that the loop reports; other errors as asyncio does."""
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
            self._log.warning("accept_failed", detail="new connections have to wait", error=describe(error))
