"""A synchronous standby of one of the harness's PostgreSQL servers, which takes its place when it is promoted."""

from __future__ import annotations

from harness.closing import Closing
from harness.errors import HarnessError
from harness.polling import poll_async
from harness.protocols.postgres.probes import session
from harness.protocols.postgres.server import PostgresServer
from harness.stack.blocking import run_blocking

__all__ = ["Standby"]

STREAMS_WITHIN_S = 30.0
PROMOTED_WITHIN_S = 30


class Standby(Closing):
    """Streams from a server, which waits for it with every COMMIT, until it is promoted or closed.

    For example::

        with Standby(server) as standby:
            server.crash()
            standby.promote()

    All methods block. "Log-Shipping Standby Servers" in PostgreSQL's manual is where the settings come from.
    """

    def __init__(self, primary: PostgresServer) -> None:
        """Copy the running server and wait until the copy streams. Raises HarnessError if it does not."""
        self._primary = primary
        self._over = False
        self._copy = primary.copied()
        try:
            run_blocking(self._synchronise())
        except BaseException:
            self.close()
            raise

    async def _synchronise(self) -> None:
        async with session(self._primary.url()) as admin:
            await admin.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            await admin.execute("SELECT pg_reload_conf()")

            async def streams() -> bool:
                return bool(await admin.fetchval("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"))

            if not await poll_async(streams, within_s=STREAMS_WITHIN_S):
                problem = f"the standby of {self._primary.name} does not stream after {STREAMS_WITHIN_S:g} s"
                raise HarnessError(problem, hint=f"see its log for the reason:\n{self._copy.log_tail}")

    def promote(self) -> None:
        """Make it a server of its own, and let the primary's name and URL mean it. The primary must have ended."""
        run_blocking(self._promote())
        self._primary.succeeded_by(self._copy)
        self._over = True

    async def _promote(self) -> None:
        async with session(self._copy.url) as admin:
            if not await admin.fetchval("SELECT pg_promote(true, $1)", PROMOTED_WITHIN_S):
                raise HarnessError(
                    f"the standby of {self._primary.name} was not promoted in {PROMOTED_WITHIN_S} s",
                    hint=f"see its log for the reason:\n{self._copy.log_tail}",
                )

    def close(self) -> None:
        """Unless it was promoted: stop it, and let the primary commit without it. Idempotent."""
        if self._over:
            return
        self._over = True
        try:
            run_blocking(self._alone_again())
        finally:  # the primary may be gone, if its standby could not be promoted
            self._copy.stop()

    async def _alone_again(self) -> None:
        # Before the standby ends: COMMITs would wait for it for ever.
        async with session(self._primary.url()) as admin:
            await admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
            await admin.execute("SELECT pg_reload_conf()")
