"""A late reply waits until the next request has been sent: a service that takes it for that one's answer is found."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.engine.laying.testbed import Testbed
from harness.engine.rig import Rig
from harness.history import History, read_history
from harness.history.events import Purpose, RequestSent
from harness.search.sweep.cells.states import States
from harness.search.sweep.cells.striking import MET_NEXT, NOT_MET
from harness.search.sweep.plan import Choice
from tests.scenario_live.links.test_cross_talk import mixing
from tests.search.live import lane_settings, sweep


def test_a_service_that_uses_the_connection_again_answers_the_next_request_wrongly(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def untried(states: States, rig: Rig) -> bool:
        """It has one connection and cannot make another."""
        del states, rig
        return True

    monkeypatch.setattr(States, "tries_connections_first", untried)
    mixing_bed = dataclasses.replace(bed, target=mixing(bed.target))
    choice = Choice(kinds=("warm",), only="/ECHO", actions=("late",))
    (cell,) = sweep(mixing_bed, lane_settings(tmp_path), choice, lanes=1).cells
    assert (cell.verdict, cell.failing) == ("failed", ("same_answer_again",)), cell
    assert cell.evidence[0].startswith(MET_NEXT)


def test_a_service_that_leaves_the_connection_is_held_and_what_followed_is_judged_too(
    bed: Testbed, tmp_path: Path
) -> None:
    choice = Choice(kinds=("warm",), only="/SET", actions=("late",))
    (cell,) = sweep(bed, lane_settings(tmp_path), choice, lanes=1).cells
    assert (cell.verdict, cell.struck) == ("held", 1), cell
    assert cell.evidence[0].startswith(f"{NOT_MET}: acknowledged")
    first, last = cell.lines
    history = History(read_history(tmp_path / cell.history).entries[first - 1 : last])
    by_purpose = {
        purpose: {sent.delivery for sent in history.of(RequestSent) if sent.purpose == purpose}
        for purpose in (Purpose.SCENARIO, Purpose.AGAIN)
    }
    assert len(by_purpose[Purpose.SCENARIO]) == 2
    assert by_purpose[Purpose.AGAIN] == by_purpose[Purpose.SCENARIO]
