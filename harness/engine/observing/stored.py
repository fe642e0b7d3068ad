"""Reads what the service has stored and which rows still wait to be processed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.checks.safety import promised_deliveries
from harness.engine.rig import Rig
from harness.history.events import RequestSent, StoredRow
from harness.polling import poll_async

READ_EVERY_S = 0.05


async def stored_rows(rig: Rig, ids: Sequence[str] | None = None) -> Sequence[StoredRow]:
    """Read the stored rows of these deliveries, or all stored rows."""
    stored = rig.target.description.stored
    rows = await rig.sessions.of(rig.site.links[stored.link].link).rows(stored.query, ids)
    if stored.digests:
        return [StoredRow(*row) for row in rows]
    first = _first_digests(rig)
    return [StoredRow(name, first.get(name, ""), copies) for name, _, copies in rows]


def _first_digests(rig: Rig) -> Mapping[str, str]:
    """The digest of the first body sent under each name: what a row without a digest is taken to contain."""
    first: dict[str, str] = {}
    for sent in rig.recorder.history.of(RequestSent):
        if sent.delivers:
            first.setdefault(sent.delivery, sent.digest)
    return first


async def rows_at_rest(rig: Rig) -> Sequence[StoredRow]:
    """Read all stored rows. Until the target's `within_ms` is over, wait for those that were acknowledged."""
    promised = promised_deliveries(rig.recorder.history)
    rows: Sequence[StoredRow] = ()

    async def all_there() -> bool:
        nonlocal rows
        rows = await stored_rows(rig)
        return promised <= {row.id for row in rows}

    await poll_async(all_there, within_s=rig.target.description.stored.within_ms / 1e3, interval_s=READ_EVERY_S)
    return rows


async def waiting_for_locks(rig: Rig) -> int:
    """Count the service's sessions that wait for a lock of another session."""
    return sum([await rig.sessions.of(laid.link).blocked() for laid in rig.site.links.values()])
