"""Sessions of the service that hold a lock for longer than any request may take, and so delay the harness."""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg

from harness.faults.fault import Fault
from harness.faults.site import LaidLink, Site
from harness.history.events import SessionLeaked
from harness.protocols.postgres.probes import session as open_session

__all__ = ["execute_past_leaks"]

PATIENCE_MIN_S: Final = 5.0
BEYOND_S: Final = 5.0
"""The time limit of a statement once no session of the service blocks it."""
ENDED_WITHIN_MS: Final = 5_000
SHOWN: Final = 160
BLOCKERS = """
    SELECT pid, state, query, pg_terminate_backend(pid, $3) AS gone FROM pg_stat_activity
    WHERE pid = ANY(pg_blocking_pids($1)) AND usename = $2 AND cardinality(pg_blocking_pids(pid)) = 0
"""
"""Only the sessions that wait for no other. Those behind them continue when these have ended."""


async def execute_past_leaks(
    session: asyncpg.Connection, statement: str, *, fault: Fault, laid: LaidLink, site: Site
) -> None:
    """Execute a statement that needs a lock; end the service's sessions that block it, and record them.

    A session may take as long as a request: until then it may be working.

    Raises asyncpg.LockNotAvailableError if something else holds the lock.
    """
    patience_s = max(PATIENCE_MIN_S, site.patience_s)
    await session.execute(f"SET lock_timeout = {round((patience_s + BEYOND_S) * 1e3)}")
    executing = asyncio.create_task(session.execute(statement))
    try:
        await asyncio.wait([executing], timeout=patience_s)
        if not executing.done():
            await _end_blockers(session.get_server_pid(), laid, fault, site, patience_s)
        await executing
    finally:
        executing.cancel()
        await asyncio.wait([executing])  # the session can be closed only when nothing is under way on it


async def _end_blockers(pid: int, laid: LaidLink, fault: Fault, site: Site, waited_s: float) -> None:
    async with open_session(laid.admin_url) as asking:
        found = await asking.fetch(BLOCKERS, pid, laid.words["user"], ENDED_WITHIN_MS)
    for row in found:
        query = str(row["query"])[:SHOWN]
        site.leaked(SessionLeaked(laid.link.name, row["pid"], row["state"], query, waited_s, fault))
