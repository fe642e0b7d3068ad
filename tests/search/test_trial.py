"""What a trial still owes after its rows were read, and which one may stand in for a recovery's delivery."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from harness.engine.rig import Rig
from harness.engine.workload.clients import Answer
from harness.search.recording.places import Kind
from harness.search.sweep.cells.trial import Trial
from harness.target import Delivery
from harness.vocabulary import ACKNOWLEDGED, REFUSED, REJECTED, THROTTLED, UNKNOWN, Outcome
from tests.search.made import cell

DELIVERY = cast("Delivery", SimpleNamespace(id="a"))


def answered(outcome: Outcome, *, status: int | None = 503) -> Answer:
    return Answer("a", outcome, status, b"", 1.0)


def trial(*outcomes: Outcome, action: str = "cut_before", kind: Kind = "warm", **more: object) -> Trial:
    given: dict[str, object] = {"delivery": DELIVERY, "struck": 1, **more}
    answers = [answered(outcome) for outcome in outcomes]
    rig = cast("Rig", SimpleNamespace())
    return Trial(cell=cell(action, kind=kind), rig=rig, answers=answers, **given)  # type: ignore[arg-type]  # as given


@pytest.mark.parametrize(
    ("tried", "owes"),
    [
        (trial(ACKNOWLEDGED), True),
        (trial(UNKNOWN), True),
        (trial(REFUSED), True),
        (trial(THROTTLED), True),
        (trial(REJECTED), False),
        (trial(REFUSED, REJECTED, kind="copies"), True),
        (trial(ACKNOWLEDGED, kind="read"), False),
        (trial(ACKNOWLEDGED, delivery=None), False),
    ],
)
def test_what_may_be_stored_and_what_was_refused_for_now_is_sent_again(tried: Trial, owes: bool) -> None:
    """A service that remembers what it refused, and acknowledges it then, would lose it."""
    assert tried.owes_delivery is owes


def test_what_the_service_never_saw_is_not_sent_again() -> None:
    unseen = trial()
    unseen.answers = [answered(REFUSED, status=None)]
    assert not unseen.owes_delivery
    assert trial(more=[(DELIVERY, answered(REFUSED)), (DELIVERY, answered(REFUSED, status=None))]).owes_more == [
        DELIVERY
    ]


@pytest.mark.parametrize(
    ("tried", "may"),
    [
        (trial(ACKNOWLEDGED), True),
        (trial(UNKNOWN), False),
        (trial(ACKNOWLEDGED, UNKNOWN, kind="copies"), False),
        (trial(ACKNOWLEDGED, action="corrupt"), False),
        (trial(ACKNOWLEDGED, kind="read"), False),
    ],
)
def test_what_shows_that_the_service_is_alive_was_acknowledged_and_not_garbled(tried: Trial, may: bool) -> None:
    assert tried.may_stand_in is may


def test_a_trial_came_off_if_a_fault_struck_and_nothing_else_kept_the_copies_apart() -> None:
    assert trial(ACKNOWLEDGED).came_off
    assert not trial(ACKNOWLEDGED, struck=0).came_off
    assert not trial(ACKNOWLEDGED, apart="the first copy was not held").came_off
