"""A leak that shows at a lane's end is put on the cell that causes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.engine.laying.testbed import Testbed
from harness.engine.phases import rest
from harness.engine.phases.rest import AtFirst
from harness.engine.rig import Rig
from harness.history.events import AtRest, RestUnknown
from harness.search.recording.places import CellId
from harness.search.sweep import growth
from harness.search.sweep.cells.trial import Trial
from harness.search.sweep.cells.trials import Trials
from harness.search.sweep.plan import Choice
from tests.search.live import lane_settings, sweep

LEAKY = "reset_before"


def test_the_cell_that_leaks_is_named(bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try of some cells leaves a task; many cells are tried before and after."""
    attempt, counted = Trials.attempt, rest.rest_now
    tasks = 0

    async def leaking(trials: Trials, cell: CellId) -> Trial:
        nonlocal tasks
        tasks += cell.first.action == LEAKY
        return await attempt(trials, cell)

    async def with_tasks(rig: Rig, before: AtFirst) -> Sequence[AtRest | RestUnknown]:
        found = [each for each in await counted(rig, before) if each.name != "tasks"]
        return [*found, AtRest("tasks", 3 + tasks, 3)]

    monkeypatch.setattr(Trials, "attempt", leaking)
    monkeypatch.setattr(rest, "rest_now", with_tasks)
    monkeypatch.setattr(growth, "rest_now", with_tasks)
    monkeypatch.setattr(growth, "SETTLES_WITHIN_S", 0.05)
    choice = Choice(kinds=("warm",), only="sent/commit/Query/COMMIT/1/", with_bytes=False)
    swept = sweep(bed, lane_settings(tmp_path), choice, lanes=1)
    (problem,) = swept.problems
    assert problem.failing == ("no_leaks",)
    assert problem.cell is not None
    assert problem.cell.first.action == LEAKY
