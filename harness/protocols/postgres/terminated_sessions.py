"""Waits until PostgreSQL has ended every session of the service after one of its processes has crashed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import asyncpg
import psutil

from harness.errors import HarnessError

__all__ = ["see_ended", "serving"]

WITHIN_S = 30.0
"""Far more than the postmaster needs to end all sessions."""
_SERVING = "SELECT pid FROM pg_stat_activity WHERE usename = $1 ORDER BY backend_start"


async def serving(admin: asyncpg.Connection, user: str) -> Sequence[psutil.Process]:
    """Return the server's processes that serve a user's sessions, the oldest first.

    For example `await serving(admin, laid.words["user"])`. `admin` is a session of the harness's own.
    """
    found = []
    for row in await admin.fetch(_SERVING, user):
        with suppress(psutil.NoSuchProcess):  # it has ended since the server listed it
            found.append(psutil.Process(row["pid"]))
    return found


async def see_ended(processes: Sequence[psutil.Process], server: str) -> None:
    """Wait until each process has ended.

    The postmaster signals them one after another, and each ends by itself. The end of one session says nothing about
    the others: a COMMIT that is released then may still succeed.

    Raises:
        HarnessError: one has not ended in time; `server` is its name in the message.
    """
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, WITHIN_S)
    if alive:
        pids = ", ".join(str(each.pid) for each in alive)
        raise HarnessError(
            f"{server}: a process of it crashed, and {WITHIN_S:g} s later it still served sessions (processes {pids})",
            hint="see the server's log for what its postmaster did",
        )
