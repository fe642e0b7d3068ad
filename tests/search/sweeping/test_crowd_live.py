"""Many deliveries at once: a service that takes them one after the other is slower than its cell allows."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import cast

import pytest

from harness.engine.laying.testbed import Testbed
from harness.history import read_history
from harness.history.events import CoresSeen, Purpose, RequestSent
from harness.search.sweep.cells.crowd import SIZE, limit_ms
from harness.search.sweep.plan import Choice
from harness.search.sweep.results import CellResult
from harness.target import Target
from tests.search.live import lane_settings, sweep

CROWDS = Choice(kinds=("fresh", "warm"), actions=("crowd",))
ONE_AT_A_TIME = {"WEBHOOK_POOL_SIZE": "1", "WEBHOOK_POOL_MAX_OVERFLOW": "0"}


def with_profile(target: Target, environment: dict[str, str]) -> Target:
    hardened = target.description.profiles["hardened"].model_copy(update={"environment": environment})
    profiles = {**target.description.profiles, "hardened": hardened}
    return dataclasses.replace(target, description=target.description.model_copy(update={"profiles": profiles}))


def test_twenty_at_once_cold_and_warm_are_answered_side_by_side(bed: Testbed, tmp_path: Path) -> None:
    swept = sweep(bed, lane_settings(tmp_path), CROWDS, lanes=1)
    assert [each.cell.kind for each in swept.cells] == ["fresh", "warm"]
    assert not swept.problems
    for cell in swept.cells:
        assert (cell.verdict, cell.struck) == ("held", 1), cell
        assert "20 at once, the slowest answer after" in cell.evidence[0]
        _every_one_is_judged(tmp_path, cell)


def _every_one_is_judged(folder: Path, cell: CellResult) -> None:
    first, last = cell.lines
    events = [entry.event for entry in read_history(folder / cell.history).entries[first - 1 : last]]
    sent = [event for event in events if isinstance(event, RequestSent)]
    crowd = {each.delivery for each in sent if each.purpose == Purpose.SCENARIO}
    assert len(crowd) == SIZE
    assert crowd <= {each.delivery for each in sent if each.purpose == Purpose.AGAIN}
    assert any(isinstance(event, CoresSeen) for event in events), "a slow machine is no slow service"


@pytest.mark.parametrize("kind", ["fresh", "warm"])
def test_a_service_that_takes_one_after_the_other_fails(bed: Testbed, tmp_path: Path, kind: str) -> None:
    slow = dataclasses.replace(bed, target=with_profile(bed.target, ONE_AT_A_TIME))
    settings = lane_settings(tmp_path, without=("pool.bounded_checkout", "load.shed", "deadline.request"))
    choice = dataclasses.replace(CROWDS, kinds=(kind,))  # type: ignore[arg-type]  # one of the kinds
    (cell,) = sweep(slow, settings, choice, lanes=1).cells
    assert cell.verdict == "failed", cell
    assert "slower" in cell.failing or "in_time" in cell.failing
    assert SIZE * 300 > limit_ms(bed.target) == 3_000


def test_a_service_that_may_have_one_connection_may_take_one_after_the_other() -> None:
    class Limits:
        connections = 1

    class Described:
        limits = Limits()

    class One:
        description = Described()

    assert limit_ms(cast("Target", One())) > SIZE * 300
