"""The contract is asked beside the cells of a sweep: while a fault is in force, and after it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.checks.standing.self_reports import health
from harness.engine.laying.testbed import Testbed
from harness.engine.workload.contract import TURNS
from harness.history import Entry, History, read_history
from harness.history.events import Asks, FaultHealed, Purpose, Recovered, RequestEnded, RequestSent
from harness.search.sweep.cells import asking
from harness.search.sweep.plan import Choice
from harness.target.sections.requests import WrongDescription
from tests.search.live import Swept, lane_settings, sweep

AT_COMMIT = "warm/postgres/sent/commit/Query/COMMIT/1/"
CUTS = Choice(kinds=("warm",), only="/commit/", actions=("cut_before", "cut_after"))


@pytest.fixture(autouse=True)
def in_every_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "EVERY", 1)


def histories(swept: Swept, folder: Path) -> list[History]:
    lines = [(read_history(folder / each.history).entries, each.lines) for each in swept.cells]
    return [History(entries[first - 1 : last]) for entries, (first, last) in lines]


def contract_of(history: History) -> list[tuple[Entry, RequestSent]]:
    return [(entry, sent) for entry, sent in history.placed(RequestSent) if sent.purpose == Purpose.CONTRACT]


def test_each_kind_of_request_is_sent_after_the_service_has_recovered(bed: Testbed, tmp_path: Path) -> None:
    swept = sweep(bed, lane_settings(tmp_path), CUTS, lanes=1)
    assert {each.verdict for each in swept.cells} == {"held"}, swept.cells
    assert not swept.problems
    asked: set[str] = set()
    for history in histories(swept, tmp_path):
        (recovered,) = history.entries_of(Recovered)
        asked |= {sent.asks for entry, sent in contract_of(history) if entry.seq > recovered.seq}
        assert all(entry.seq > recovered.seq for entry, _ in contract_of(history))
        assert health.health_is_true(history).observations > 0
    # The target describes no change.
    assert asked == {each.value for each in Asks} - {Asks.CHANGE, Asks.READ_CHANGED}


def test_while_a_delivery_waits_the_service_says_nothing_false_to_others(bed: Testbed, tmp_path: Path) -> None:
    choice = Choice(kinds=("warm",), only=f"{AT_COMMIT}stall")
    swept = sweep(bed, lane_settings(tmp_path), choice, lanes=1)
    assert {each.verdict for each in swept.cells} == {"held"}, swept.cells
    for history in histories(swept, tmp_path):
        ended = {each.request: entry.seq for entry, each in history.placed(RequestEnded)}
        (healed,) = history.entries_of(FaultHealed)
        beside = [sent for entry, sent in contract_of(history) if ended[sent.request] < healed.seq]
        assert {Asks.WRONG, Asks.HEALTH, Asks.READ_UNSENT} <= {sent.asks for sent in beside}
        (own,) = (entry for entry, sent in history.placed(RequestSent) if sent.purpose == Purpose.SCENARIO)
        assert all(entry.seq > own.seq for entry, _ in contract_of(history))


@pytest.mark.parametrize("action", ["cut_before", "stall"])
def test_what_must_be_rejected_and_is_let_in_fails_the_cell(bed: Testbed, tmp_path: Path, action: str) -> None:
    let_in = WrongDescription(about="The service lets it in.", head_bytes=1)
    description = bed.target.description.model_copy(update={"wrong": {f"let_in_{n}": let_in for n in range(TURNS)}})
    careless = dataclasses.replace(bed, target=dataclasses.replace(bed.target, description=description))
    choice = Choice(kinds=("warm",), only=f"{AT_COMMIT}{action}")
    swept = sweep(careless, lane_settings(tmp_path), dataclasses.replace(choice, with_bytes=False), lanes=1)
    verdicts = {(each.verdict.value, "wrong_is_rejected" in each.failing) for each in swept.cells}
    assert ("failed", True) in verdicts
