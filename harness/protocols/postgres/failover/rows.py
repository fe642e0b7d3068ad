"""The rows that a service stored on one node of a PostgreSQL with a standby, and those that the other node lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from harness.faults.site import LaidLink
from harness.history.events import StoredRow
from harness.protocols.postgres.probes import PostgresProbe
from harness.protocols.postgres.server import Copy

__all__ = ["missing", "stored_on", "stored_on_ended"]


async def stored_on(laid: LaidLink, node: Copy | None = None) -> Sequence[StoredRow] | None:
    """Read all rows of the link's service on its server, or on another node; None if the target has no SQL for it."""
    if laid.stored is None:
        return None
    url = laid.admin_url if node is None else node.url_of(urlsplit(laid.admin_url).path.removeprefix("/"))
    probe = PostgresProbe(lambda: url, laid.words["user"])
    try:
        return [StoredRow(*row) for row in await probe.rows(laid.stored, None)]
    finally:
        await probe.close()


async def stored_on_ended(laid: LaidLink, node: Copy) -> Sequence[StoredRow]:
    """Do the same for a node that has ended: start it where the service cannot reach it, and stop it again."""
    await asyncio.to_thread(node.run.start_again)
    try:
        return await stored_on(laid, node) or ()
    finally:
        await asyncio.to_thread(node.stop)


def missing(before: Sequence[StoredRow], now: Sequence[StoredRow]) -> tuple[StoredRow, ...]:
    """The rows of `before` that are not in `now`, with the same body."""
    there = {(row.id, row.digest) for row in now}
    return tuple(row for row in before if (row.id, row.digest) not in there)
