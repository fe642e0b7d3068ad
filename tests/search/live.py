"""Small sweeps and orders on real servers."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.engine.configuration import RunConfiguration
from harness.engine.laying.testbed import Testbed
from harness.engine.rig import Rig
from harness.history.events import StoredRow
from harness.search.orders.interleaving import Mix, OrderResult
from harness.search.orders.orders import Order
from harness.search.orders.playing import OrderSettings, play_orders
from harness.search.recording.places import CellId, Kind
from harness.search.recording.recording import Recording
from harness.search.sweep import batch
from harness.search.sweep.plan import Choice, planned
from harness.search.sweep.results import CellResult, LaneProblem
from harness.search.sweep.sweeper import SweepSettings, sweeping


@dataclasses.dataclass(slots=True)
class Swept:
    """What a sweep found. `recordings`: what it was planned from."""

    cells: list[CellResult] = dataclasses.field(default_factory=list)
    problems: Sequence[LaneProblem] = ()
    recordings: Sequence[Recording] = ()

    def verdicts(self) -> dict[str, str]:
        return {str(each.cell): each.verdict.value for each in self.cells}


def lane_settings(folder: Path, *, profile: str = "hardened", without: tuple[str, ...] = ()) -> RunConfiguration:
    return RunConfiguration(profile=profile, without=without, seed=1, folder=folder)


def sweep(
    bed: Testbed,
    lane: RunConfiguration,
    choice: Choice,
    *,
    lanes: int = 2,
    recorded: Callable[[Recording], Recording] = lambda recording: recording,
) -> Swept:
    """Record, plan and sweep. `recorded`: changes what was recorded, before cells are planned from it."""
    found = Swept()

    async def go() -> None:
        settings = SweepSettings(run=lane, lanes=lanes, repro=str, told=found.cells.append)
        async with sweeping(bed, settings) as sweeper:
            found.recordings = [recorded(each) for each in await sweeper.record(choice.kinds)]
            kinds: dict[Kind, Recording] = {each.kind: each for each in found.recordings}
            if kinds:
                cells: Sequence[CellId] = planned(found.recordings, choice).cells
                await sweeper.sweep(cells, kinds)
            found.problems = sweeper.problems

    asyncio.run(go())
    return found


def losing_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the database lose everything before its rows are read."""
    stored = batch.stored_rows

    async def lost(rig: Rig, ids: Sequence[str] | None = None) -> Sequence[StoredRow]:
        laid = rig.site.links[rig.target.description.stored.link]
        await laid.own.execute("DELETE FROM deliveries")
        return await stored(rig, ids)

    monkeypatch.setattr(batch, "stored_rows", lost)


def play(
    bed: Testbed, lane: RunConfiguration, *mixes: Mix, only: Order | None = None, requests: int = 2
) -> list[OrderResult]:
    found: list[OrderResult] = []
    settings = OrderSettings(run=lane, mixes=mixes, requests=requests, only=only)
    asyncio.run(play_orders(bed, settings, repro=lambda mix, order: f"{mix} {order}", told=found.append))
    return found
