"""A standby of one of the harness's PostgreSQL servers, which replaces that server when it is promoted."""

from __future__ import annotations

import time
from typing import Literal, TypeAlias

import asyncpg

from harness.closing import Closing
from harness.errors import HarnessError
from harness.polling import poll_async
from harness.protocols.postgres.probes import session
from harness.protocols.postgres.server import Copy, PostgresServer
from harness.stack.blocking import run_blocking

__all__ = ["Standby", "StandbyKind"]

STREAMS_WITHIN_S = 30.0
PROMOTED_WITHIN_S = 30

StandbyKind: TypeAlias = Literal["synchronous", "asynchronous", "stuck"]
"""When the primary answers a COMMIT: when the standby has it, at once, or never, because the standby gets nothing."""
AnyKind: TypeAlias = StandbyKind | Literal["streaming"]
"""A streaming one is asynchronous, and gets everything as soon as it can."""


class Standby(Closing):
    """Streams from a server until it is promoted or closed.

    For example::

        with Standby(server) as standby:
            server.crash()
            standby.promote()

    With every COMMIT the primary waits for a synchronous one. An asynchronous one gets nothing more as soon as it
    exists: in production its lag is chance, but here it lacks everything that follows. A stuck one is synchronous and
    also gets nothing, so every COMMIT waits. A streaming one gets everything, and no COMMIT waits for it.

    All methods block. "Log-Shipping Standby Servers" in PostgreSQL's manual explains the settings.
    """

    def __init__(self, primary: PostgresServer, kind: AnyKind = "synchronous") -> None:
        """Copy the running server and wait until the copy streams. Raises HarnessError if it does not."""
        self._primary = primary
        self._kind = kind
        self._over = False
        self.former: Copy | None = None
        """The former primary, once this server has replaced it."""
        self.promotion_ms = 0.0
        self._copy = primary.copied()
        try:
            run_blocking(self._follow())
        except BaseException:
            self.close()
            raise

    async def _follow(self) -> None:
        wanted = "async" if self._kind in ("asynchronous", "streaming") else "sync"
        async with session(self._primary.url()) as admin:
            if wanted == "sync":
                await _set(admin, "ALTER SYSTEM SET synchronous_standby_names = '*'")

            async def streams() -> bool:
                sql = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = $1"
                return bool(await admin.fetchval(sql, wanted))

            if not await poll_async(streams, within_s=STREAMS_WITHIN_S):
                raise self._problem(f"does not stream after {STREAMS_WITHIN_S:g} s")
        if self._kind in ("asynchronous", "stuck"):
            await self._fall_behind()

    async def _fall_behind(self) -> None:
        """Remove its setting of the primary's address, so that it receives nothing more."""
        async with session(self._copy.url) as standby:
            await _set(standby, "ALTER SYSTEM SET primary_conninfo = ''")

            async def receives_nothing() -> bool:
                return not await standby.fetchval("SELECT count(*) FROM pg_stat_wal_receiver")

            if not await poll_async(receives_nothing, within_s=STREAMS_WITHIN_S):
                raise self._problem(f"still receives after {STREAMS_WITHIN_S:g} s")

    def as_server(self, name: str) -> PostgresServer:
        """Return it as a server to which links can lead."""
        return PostgresServer(self._copy.url, self._primary.version, run=self._copy.run, name=name)

    async def fence_primary(self) -> None:
        """Make the primary's sessions read-only. Open sessions follow at their next transaction."""
        async with session(self._primary.url()) as admin:
            await _set(admin, "ALTER SYSTEM SET default_transaction_read_only = on")

    def promote(self) -> None:
        """Promote it. After that the primary's name and URL mean this server."""
        began = time.monotonic()
        run_blocking(self._promote())
        self.promotion_ms = (time.monotonic() - began) * 1e3
        self.former = self._primary.succeeded_by(self._copy)
        self._over = True

    def lose(self) -> None:
        """Kill it: from now on every COMMIT of the primary waits, until this is closed."""
        self._copy.run.crash()

    def rewind_former(self) -> None:
        """After this one's promotion: rewind the old primary, and wait until it has everything that this one has."""
        if self.former is None:
            raise HarnessError(f"the standby of {self._primary.name} was not promoted: there is nothing to rewind")
        self._primary.rewind(self.former)
        run_blocking(self._caught_up())

    async def _caught_up(self) -> None:
        async with session(self._primary.url()) as admin:

            async def has_all() -> bool:
                sql = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sent_lsn <= replay_lsn"
                return bool(await admin.fetchval(sql))

            if not await poll_async(has_all, within_s=STREAMS_WITHIN_S):
                raise HarnessError(f"the rewound primary does not stream after {STREAMS_WITHIN_S:g} s")

    def give_back(self) -> None:
        """Stop this one, which first sends everything to the following old primary, and promote the old primary."""
        if self.former is None:
            raise HarnessError(f"the standby of {self._primary.name} was not promoted: there is nothing to give back")
        self._primary.stop()
        self._copy, began = self.former, time.monotonic()
        run_blocking(self._promote())
        self.promotion_ms = (time.monotonic() - began) * 1e3
        self.former = self._primary.succeeded_by(self._copy)

    async def _promote(self) -> None:
        async with session(self._copy.url) as admin:
            if not await admin.fetchval("SELECT pg_promote(true, $1)", PROMOTED_WITHIN_S):
                raise self._problem(f"was not promoted in {PROMOTED_WITHIN_S} s")

    def _problem(self, what: str) -> HarnessError:
        hint = f"see its log for the reason:\n{self._copy.log_tail}"
        return HarnessError(f"the standby of {self._primary.name} {what}", hint=hint)

    def close(self) -> None:
        """If it was not promoted: stop it, and let the primary commit without it. Idempotent."""
        if self._over:
            return
        self._over = True
        try:
            run_blocking(self._alone_again())
        finally:  # the primary may be gone, if its standby could not be promoted
            self._copy.stop()

    async def _alone_again(self) -> None:
        # Before the standby ends: otherwise COMMITs would wait for it without end
        async with session(self._primary.url()) as admin:
            await _set(admin, "ALTER SYSTEM RESET synchronous_standby_names")


async def _set(admin: asyncpg.Connection, statement: str) -> None:
    await admin.execute(statement)
    await admin.execute("SELECT pg_reload_conf()")
