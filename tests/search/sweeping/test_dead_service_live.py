"""A service that dies is a failed cell, and the lane goes on with another."""

from __future__ import annotations

import asyncio
import itertools
import signal
from pathlib import Path

import pytest

from harness.engine.laying.testbed import Testbed
from harness.history.events import RunBegan
from harness.relay import Fired, Report
from harness.search.recording.deliveries import record_all
from harness.search.recording.places import CellId
from harness.search.recording.recording import Recording
from harness.search.sweep.batch import read_rows, send_again
from harness.search.sweep.cells.arming import Armoury
from harness.search.sweep.cells.judging import Judged, judged
from harness.search.sweep.cells.trials import Trials
from harness.search.sweep.lane import Lane, opened
from harness.search.sweep.plan import Choice
from tests.search.live import lane_settings, sweep

CELL = CellId.parse("warm/postgres/sent/commit/Query/COMMIT/1/stall")


def test_a_death_is_the_cells_failure_and_the_next_cell_has_a_new_service(bed: Testbed, tmp_path: Path) -> None:
    first, second = asyncio.run(_die_once(bed, tmp_path))
    assert first.verdict == "failed"
    assert "alive" in first.failing
    assert (second.verdict, second.reason) == ("held", "")


async def _die_once(bed: Testbed, folder: Path) -> list[Judged]:
    began = RunBegan("sweep", "hardened", (), 1, "target.toml", 6000.0, "")
    async with bed.stack.relay.control() as relay, opened(bed, relay, lane_settings(folder)) as lane:
        (recording,) = await record_all(lane, ["warm"])
        trials = Trials(lane, Armoury({"warm": recording}, lane.site.hops), began)

        def kill(report: Report) -> None:
            if isinstance(report, Fired):
                lane.service.signal(signal.SIGKILL, ends_it=False)

        unsubscribe = relay.on_report(kill)
        tried = [await trials.attempt(CELL)]
        unsubscribe()
        tried.append(await trials.attempt(CELL))
        await read_rows([trial.rig for trial in tried])
        await send_again(lane, tried)
        await read_rows([trial.rig for trial in tried])
        return [judged(trial) for trial in tried]


def ends_with_its_connections(monkeypatch: pytest.MonkeyPatch, *, from_cut: int) -> None:
    """From that time on, the lane's service ends when the harness has cut its connections."""
    cut, count = Lane.make_fresh, itertools.count()

    async def cut_and_end(lane: Lane) -> None:
        await cut(lane)
        if next(count) >= from_cut:
            lane.service.signal(signal.SIGKILL, ends_it=False)

    monkeypatch.setattr(Lane, "make_fresh", cut_and_end)


def test_a_service_that_ends_when_its_connections_are_cut_has_failed_and_is_not_just_unready(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_with_its_connections(monkeypatch, from_cut=0)
    swept = sweep(bed, lane_settings(tmp_path), Choice(kinds=("fresh",), only="COMMIT", limit=1), lanes=1)
    assert [(each.verdict, each.failing) for each in swept.problems] == [("failed", ("alive",))]
    reason = "ended by itself with status -9, when its connections to its servers were cut"
    assert reason in swept.problems[0].reason


def test_a_cell_in_which_the_service_ended_before_its_fault_has_failed(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recorded(recording: Recording) -> Recording:
        ends_with_its_connections(monkeypatch, from_cut=0)
        return recording

    choice = Choice(kinds=("fresh",), only="sent/commit/Query/COMMIT/1/cut_before", limit=1)
    swept = sweep(bed, lane_settings(tmp_path), choice, lanes=1, recorded=recorded)
    assert {each.verdict for each in swept.cells} == {"failed"}
    assert all("alive: ended by itself with status -9" in each.reason for each in swept.cells)
