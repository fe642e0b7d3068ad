"""A service that dies is a failed cell, and the lane goes on with another."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from harness.engine.laying.testbed import Testbed
from harness.history.events import RunBegan
from harness.relay import Fired, Report
from harness.search.recording.places import CellId
from harness.search.recording.recorder import record_all
from harness.search.sweep.arming import Armoury
from harness.search.sweep.batch import read_rows, send_again
from harness.search.sweep.judging import Judged, judged
from harness.search.sweep.lane import opened
from harness.search.sweep.trials import Trials
from tests.search.live import lane_settings

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
