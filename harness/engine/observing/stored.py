"""Reads what the service has stored and which rows still wait to be processed."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.rig import Rig
from harness.history.events import StoredRow


async def stored_rows(rig: Rig, ids: Sequence[str] | None = None) -> Sequence[StoredRow]:
    """Read the stored rows of these deliveries, or all stored rows."""
    stored = rig.target.description.stored
    rows = await rig.sessions.of(rig.site.links[stored.link].link).rows(stored.query, ids)
    return [StoredRow(*row) for row in rows]


async def waiting_for_locks(rig: Rig) -> int:
    """Count the service's sessions that wait for a lock of another session."""
    return sum([await rig.sessions.of(laid.link).blocked() for laid in rig.site.links.values()])
