"""What is done once for many cells: an exception that the service logs while a delivery is sent again is its cell's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.engine.laying.testbed import Testbed
from harness.engine.workload.clients import Answer
from harness.history.events import Purpose, RunBegan
from harness.search.recording.deliveries import record_all
from harness.search.recording.places import CellId
from harness.search.sweep.batch import read_rows, record_log, send_again
from harness.search.sweep.cells.arming import Armoury
from harness.search.sweep.cells.judging import Judged, judged
from harness.search.sweep.cells.trials import Trials
from harness.search.sweep.lane import Lane, opened
from tests.search.live import lane_settings

CELLS = [CellId.parse(f"warm/postgres/sent/commit/Query/COMMIT/1/{action}") for action in ("cut_before", "cut_after")]
UNHANDLED = "Traceback (most recent call last):"


class LogsWhenAsked:
    """Delivers on a lane; whenever the first delivery is sent again, the service's log has an exception afterwards."""

    def __init__(self, lane: Lane, log: Path) -> None:
        self._deliver = lane.deliver
        self._log = log
        self._first = ""

    async def __call__(self, rig: Any, delivery: Any, purpose: Purpose, **more: Any) -> Answer:
        answer = await self._deliver(rig, delivery, purpose, **more)
        if purpose is Purpose.AGAIN:
            self._first = self._first or delivery.id
            if delivery.id == self._first:
                with self._log.open("a", encoding="utf-8") as file:
                    file.write(f"{UNHANDLED}\n")
        return answer


def test_what_is_logged_while_a_delivery_is_sent_again_fails_its_own_cell(bed: Testbed, tmp_path: Path) -> None:
    first, second = asyncio.run(_send_again(bed, tmp_path))
    assert (first.verdict, first.failing) == ("failed", ("log_clean",))
    assert (second.verdict, second.reason) == ("held", "")


async def _send_again(bed: Testbed, folder: Path) -> Sequence[Judged]:
    began = RunBegan("sweep", "hardened", (), 1, "target.toml", 6000.0, "")
    async with bed.stack.relay.control() as relay, opened(bed, relay, lane_settings(folder)) as lane:
        (recording,) = await record_all(lane, ["warm"])
        trials = Trials(lane, Armoury({"warm": recording}, lane.site.hops), began)
        tried = []
        for cell in CELLS:
            tried.append(await trials.attempt(cell))
            record_log(lane, tried[-1].rig)
        await read_rows([trial.rig for trial in tried])
        lane.deliver = LogsWhenAsked(lane, lane.service.log.path)  # type: ignore[method-assign]  # a stand-in that delivers and logs
        await send_again(lane, tried)
        await read_rows([trial.rig for trial in tried])
        return [judged(trial) for trial in tried]
