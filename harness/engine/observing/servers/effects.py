"""Reads the effects of stored deliveries."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harness.engine.rig import Rig
from harness.history.events import EffectsRead, StoredRow
from harness.polling import poll_async
from harness.target.sections.effects import EffectDescription

READ_EVERY_S = 0.05


async def record_effects(rig: Rig, stored: Sequence[StoredRow]) -> None:
    """Record each kind of effect that the target describes. Wait for missing effects until its `within_ms` is over."""
    for name, described in rig.target.description.effects.items():
        rows = await effect_rows(rig, described, {row.id for row in stored})
        later = rig.target.description.effect_within_ms(described) > 0
        rig.recorder.record("runner", EffectsRead(name, described.exists == "exactly", tuple(rows), later))


async def effect_rows(rig: Rig, described: EffectDescription, wanted: Collection[str]) -> Sequence[StoredRow]:
    """Read the rows of an effect. Wait until each of these deliveries has one, or the effect's `within_ms` is over.

    It does not wait for a service that has ended.
    """
    wanted = set(wanted)
    probe = rig.sessions.of(rig.site.links[described.link].link)
    rows: Sequence[StoredRow] = ()

    async def all_there() -> bool:
        nonlocal rows
        found = [StoredRow(*row) for row in await probe.rows(described.query, None)]
        rows = [row for row in found if row.id not in rig.not_judged]
        return wanted <= {row.id for row in rows} or not rig.site.service.pids()

    within_s = rig.target.description.effect_within_ms(described) / 1e3
    await poll_async(all_there, within_s=within_s, interval_s=READ_EVERY_S)
    return rows
