"""What is done once for many cells: what the service logs and answers while a delivery is sent again is its cell's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.engine.laying.testbed import Testbed
from harness.engine.workload.clients import Answer, Errand
from harness.history.events import Purpose, RunBegan
from harness.search.recording.deliveries import record_all
from harness.search.sweep.batch import read_rows, record_log, send_again
from harness.search.sweep.cells.arming import Armoury
from harness.search.sweep.cells.judging import Judged, judged
from harness.search.sweep.cells.trials import Trials
from harness.search.sweep.lane import Lane, opened
from harness.search.sweep.plan import Choice, planned
from harness.vocabulary import ALREADY
from tests.search.live import lane_settings

COMMIT = Choice(
    kinds=("warm",), only="sent/commit/Query/COMMIT/1/cut_", actions=("cut_before", "cut_after"), with_bytes=False
)
REFUSED = Choice(kinds=("warm",), only="INSERT", actions=("error_53100",))
UNHANDLED = "Traceback (most recent call last):"


class LogsWhenAsked:
    """Delivers on a lane; whenever the first delivery is sent again, the service's log has an exception afterwards."""

    def __init__(self, lane: Lane) -> None:
        self._deliver = lane.deliver
        self._log = lane.service.log.path
        self._first = ""

    async def __call__(self, rig: Any, delivery: Any, purpose: Purpose, **more: Any) -> Answer:
        answer = await self._deliver(rig, delivery, purpose, **more)
        if purpose is Purpose.AGAIN:
            self._first = self._first or delivery.id
            if delivery.id == self._first:
                with self._log.open("a", encoding="utf-8") as file:
                    file.write(f"{UNHANDLED}\n")
        return answer


class RemembersTheRefused:
    """Delivers on a lane, but for what is sent again: that is acknowledged, as by a service that had remembered it."""

    def __init__(self, lane: Lane) -> None:
        self._deliver = lane.deliver

    async def __call__(self, rig: Any, delivery: Any, purpose: Purpose, **more: Any) -> Answer:
        if purpose is not Purpose.AGAIN:
            return await self._deliver(rig, delivery, purpose, **more)
        told = Answer(delivery.name, ALREADY, 200, b"", 1.0)
        rig.clients.record_exchange(delivery, Errand(purpose=purpose), told)
        return told


def test_a_service_that_remembers_what_it_refused_and_does_not_store_it_fails_the_cell(
    bed: Testbed, tmp_path: Path
) -> None:
    (found,) = asyncio.run(_send_again(bed, tmp_path, REFUSED, RemembersTheRefused))
    assert found.failing == ("acknowledged_is_stored",)


def test_what_is_logged_while_a_delivery_is_sent_again_fails_its_own_cell(bed: Testbed, tmp_path: Path) -> None:
    first, second = asyncio.run(_send_again(bed, tmp_path, COMMIT, LogsWhenAsked))
    assert (first.verdict, first.failing) == ("failed", ("log_clean",))
    assert (second.verdict, second.reason) == ("held", "")


async def _send_again(bed: Testbed, folder: Path, choice: Choice, stand_in: Callable[[Lane], Any]) -> Sequence[Judged]:
    began = RunBegan("sweep", "hardened", (), 1, "target.toml", 6000.0, "")
    async with bed.stack.relay.control() as relay, opened(bed, relay, lane_settings(folder)) as lane:
        (recording,) = await record_all(lane, ["warm"])
        trials = Trials(lane, Armoury({"warm": recording}, lane.site.hops), began)
        tried = []
        for cell in planned([recording], choice).cells:
            tried.append(await trials.attempt(cell))
            record_log(lane, tried[-1].rig)
        await read_rows([trial.rig for trial in tried])
        lane.deliver = stand_in(lane)  # type: ignore[method-assign]  # a stand-in for this lane alone
        await send_again(lane, tried)
        await read_rows([trial.rig for trial in tried])
        return [judged(trial) for trial in tried]
