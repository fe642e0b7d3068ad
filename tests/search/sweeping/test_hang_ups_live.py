"""Cells in which the client hangs up, or the request's deadline passes, exactly at a message."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.engine.laying.testbed import Testbed
from harness.engine.phases import rest
from harness.engine.rig import Rig
from harness.faults.clients.callers import Caller
from harness.history import History, read_history
from harness.history.events import AtRest, CoresSeen
from harness.search.sweep.plan import Choice
from harness.vocabulary import Value
from tests.search.live import lane_settings, sweep

AT_COMMIT = "warm/postgres/sent/commit/Query/COMMIT/1/"
HANG_UP = Choice(kinds=("warm",), only=f"{AT_COMMIT}hang_up")


def test_the_client_hangs_up_at_each_message_of_the_commit(bed: Testbed, tmp_path: Path) -> None:
    swept = sweep(bed, lane_settings(tmp_path), Choice(kinds=("warm",), only="/commit/", actions=("hang_up",)))
    assert len(swept.cells) == 3
    for each in swept.cells:
        assert (each.verdict, each.struck) == ("held", 1), each
        assert each.answer.startswith("unknown, hung up at postgres/")
        assert " hung up, and the service closed its end" in each.evidence[0]
    assert not swept.problems


def test_a_client_that_did_not_hang_up_proves_nothing(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stay(caller: Caller, at: Value) -> bool:
        del caller, at
        return False

    monkeypatch.setattr(Caller, "hang_up", stay)
    (cell,) = sweep(bed, lane_settings(tmp_path), HANG_UP).cells
    assert (cell.verdict, cell.struck) == ("inconclusive", 0)
    assert "left no evidence" in cell.reason


def test_what_the_service_does_not_give_back_fails_the_cell(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = itertools.chain([0], itertools.repeat(1))

    async def leaking(rig: Rig) -> Sequence[AtRest]:
        del rig
        return [AtRest("checked_out", next(counts), 0)]

    monkeypatch.setattr(rest, "checked_out", leaking)
    (cell,) = sweep(bed, lane_settings(tmp_path), HANG_UP).cells
    assert cell.verdict == "failed"
    assert "no_leaks: checked_out stay at 1, at most 0" in cell.reason


def test_the_deadline_passes_while_the_message_is_held(bed: Testbed, tmp_path: Path) -> None:
    choice = Choice(kinds=("warm",), actions=("deadline",), only=f"{AT_COMMIT}deadline")
    (cell,) = sweep(bed, lane_settings(tmp_path), choice).cells
    assert (cell.verdict, cell.struck) == ("held", 1), cell
    assert cell.answer.startswith("unknown, status 504")
    first, last = cell.lines
    (cores,) = History(read_history(tmp_path / cell.history).entries[first - 1 : last]).of(CoresSeen)
    assert cores.over_ms >= cell.took_ms, "a busy machine excuses what its clock says of the cell"
