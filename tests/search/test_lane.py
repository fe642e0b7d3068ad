"""A request whose connection broke off may mean that the service is ending: its end belongs to that cell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.engine.laying.testbed import Testbed
from harness.engine.rig import Rig
from harness.engine.workload.clients import Answer
from harness.history.events import Purpose
from harness.search.sweep.lane import Lane
from harness.search.sweep.reports import LaneReports
from harness.target import Delivery
from harness.vocabulary import UNKNOWN


@pytest.mark.parametrize(("broken_off", "looked"), [(True, 3), (False, 0)])
def test_a_lane_waits_for_the_services_end_where_an_answer_broke_off(broken_off: bool, looked: int) -> None:
    async def send(*_: Any) -> Answer:
        return Answer("a", UNKNOWN, None, b"", 1.0, "the connection ended", broken_off)

    statuses: Iterator[int | None] = iter([None, None, -9])
    looks: list[int | None] = []

    def status() -> int | None:
        looks.append(next(statuses))
        return looks[-1]

    service = SimpleNamespace(process=SimpleNamespace(poll=status))
    rig = cast("Rig", SimpleNamespace(site=SimpleNamespace(service=service), clients=SimpleNamespace(send=send)))
    lane = Lane(cast("Testbed", None), 1, rig, LaneReports())
    asyncio.run(lane.deliver(rig, Delivery("a", "source", b"{}"), Purpose.SCENARIO))
    assert len(looks) == looked
