"""How a cell is judged: like a run; apart, if its bytes were garbled; unmet, if a pair's second fault met nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.engine.rig import Rig
from harness.engine.workload.clients import Answer
from harness.history.events import HarnessProblem, UnhandledLogged
from harness.search.recording.places import CellId, Point
from harness.search.sweep.cells.judging import judged
from harness.search.sweep.cells.trial import Trial
from harness.vocabulary import ACKNOWLEDGED, REFUSED, UNKNOWN, Outcome
from tests.checks.support import Story
from tests.search.made import cell, place

GARBLED, CUT = "duplicate", "cut_before"
PAIR = CellId("warm", Point(place(), "cut_after"), Point(place(), "cut_before"))


def told(
    outcome: Outcome = ACKNOWLEDGED, *, stored: bool = True, evidence: bool = True, expected: Outcome | None = None
) -> Story:
    """A cell's history: a fault, a delivery, recovery, rows, the same again, rows."""
    story = Story().begin().fault(evidence=evidence).request("a", outcome, expected=expected).recover()
    rows = ("a",) if stored else ()
    return story.rows(*rows).again("a").rows("a")


def trial(story: Story, which: CellId, *, struck: int = 1, outcome: Outcome = ACKNOWLEDGED, **more: Any) -> Trial:
    rig = cast("Rig", SimpleNamespace(recorder=story.recorder))
    answers = [Answer("a", outcome, 200, b"", 5.0)]
    return Trial(cell=which, rig=rig, answers=answers, struck=struck, **more)


def verdict(story: Story, which: CellId, **more: Any) -> str:
    return judged(trial(story, which, **more)).verdict.value


def test_a_cell_is_judged_like_a_run() -> None:
    assert verdict(told(), cell(CUT)) == "held"
    assert verdict(told(stored=False), cell(CUT)) == "failed"
    assert verdict(told().tell(UnhandledLogged("Traceback")), cell(CUT)) == "failed"
    assert verdict(told(evidence=False), cell(CUT), struck=0) == "inconclusive"
    found = judged(trial(told(stored=False), cell(CUT)))
    assert (found.failing, found.reason) == (
        ("acknowledged_is_stored",), "acknowledged_is_stored: acknowledged, but not stored: a"
    )  # fmt: skip


@pytest.mark.parametrize("outcome", [REFUSED, UNKNOWN])
def test_garbled_bytes_that_the_service_did_not_confirm_are_noticed(outcome: Outcome) -> None:
    assert verdict(told(outcome, stored=outcome != REFUSED), cell(GARBLED), outcome=outcome) == "noticed"


def test_garbled_bytes_that_changed_nothing_are_held() -> None:
    assert verdict(told(), cell(GARBLED)) == "held"


def test_garbled_bytes_that_made_something_false_are_silent() -> None:
    lost = judged(trial(told(stored=False), cell(GARBLED)))
    assert (lost.verdict, lost.failing) == ("silent", ("acknowledged_is_stored",))
    assert verdict(told(stored=False).tell(HarnessProblem("broke")), cell(GARBLED)) == "silent", "whatever else broke"


def test_garbled_bytes_that_made_the_service_fail_aloud_are_noticed() -> None:
    assert verdict(told().tell(UnhandledLogged("Traceback")), cell(GARBLED)) == "noticed"


def test_garbled_bytes_prove_nothing_if_the_harness_broke() -> None:
    assert verdict(told().tell(HarnessProblem("broke")), cell(GARBLED)) == "inconclusive"
    assert verdict(told(UNKNOWN).tell(HarnessProblem("broke")), cell(GARBLED), outcome=UNKNOWN) == "inconclusive"


def test_garbled_bytes_that_did_not_strike_prove_nothing() -> None:
    assert verdict(told(evidence=False), cell(GARBLED), struck=0) == "inconclusive"
    assert verdict(told(evidence=False, stored=False), cell(GARBLED), struck=0) == "failed", "by no fault"


def test_a_read_of_what_is_not_so_is_silent_and_a_delivery_is_not() -> None:
    """A read that was expected to find the row, and did not."""
    expected = ACKNOWLEDGED | UNKNOWN
    story = told(REFUSED, stored=False, expected=expected)
    assert verdict(story, cell(GARBLED, kind="read"), outcome=REFUSED) == "silent"
    assert verdict(story, cell(GARBLED), outcome=REFUSED) == "noticed"
    assert verdict(told(UNKNOWN, expected=expected), cell(GARBLED, kind="read"), outcome=UNKNOWN) == "noticed"


def test_a_pairs_second_fault_without_anything_to_meet_is_unmet() -> None:
    def pair() -> Story:
        story = Story().begin().fault().fault(evidence=False).request("a", expected=None).recover()
        return story.rows("a").again("a").rows("a")

    assert verdict(pair(), PAIR) == "unmet"
    assert verdict(pair(), PAIR, came_again=["COMMIT"]) == "inconclusive", "it came, and passed"
    assert verdict(pair(), PAIR, struck=0) == "inconclusive"
    assert verdict(pair(), cell(CUT)) == "inconclusive", "no pair"
    assert verdict(pair().tell(UnhandledLogged("Traceback")), PAIR) == "inconclusive", "the first was not survived"
