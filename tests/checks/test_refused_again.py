"""What was refused is sent again after recovery: what the service says then has to be true."""

from __future__ import annotations

import pytest

from harness.checks import Verdict
from harness.checks.standing.liveness import recovers
from harness.checks.standing.safety import refused_is_not_stored
from harness.vocabulary import ACKNOWLEDGED, ALREADY, REFUSED, REJECTED, THROTTLED, Outcome
from tests.checks.support import Story

CONFIRMS = [ACKNOWLEDGED, ALREADY]


def refused_and_then(outcome: Outcome, *stored: str, before: tuple[str, ...] = ()) -> Story:
    story = Story().begin().fault().request("a").request("b", REFUSED, expected=REFUSED).recover().rows("a", *before)
    return story.again("a").again("b", outcome).rows("a", *stored)


@pytest.mark.parametrize("outcome", CONFIRMS, ids=str)
def test_whatever_confirms_it_is_right_if_the_row_is_there(outcome: Outcome) -> None:
    """A service that counts its refused try may take it for a repeat."""
    judgement = refused_and_then(outcome, "b").judged()
    assert (judgement.verdict, judgement.reason) == (Verdict.HELD, "")


@pytest.mark.parametrize("outcome", CONFIRMS, ids=str)
def test_whatever_confirms_it_is_wrong_if_no_row_is_there(outcome: Outcome) -> None:
    judgement = refused_and_then(outcome).judged()
    assert judgement.verdict is Verdict.FAILED
    assert judgement.reason == "acknowledged_is_stored: acknowledged, but not stored: b"


def test_a_service_that_found_it_stored_before_had_refused_what_it_stored() -> None:
    judgement = refused_and_then(ALREADY, "b", before=("b",)).judged()
    assert judgement.reason == "refused_is_not_stored: refused, but stored: b"


@pytest.mark.parametrize("outcome", [REFUSED, THROTTLED], ids=str)
def test_a_service_that_refuses_it_for_ever_has_not_recovered(outcome: Outcome) -> None:
    judgement = refused_and_then(outcome).judged()
    assert judgement.reason.startswith(f"recovers: 1 of 2: b, sent again: {outcome}, status ")


def test_a_service_that_rejects_it_then_gives_up_a_valid_one() -> None:
    assert "valid_is_not_rejected" in refused_and_then(REJECTED).failing()


def test_what_was_refused_counts_as_seen_although_it_was_sent_again() -> None:
    history = refused_and_then(ACKNOWLEDGED, "b").recorder.history
    assert refused_is_not_stored(history).observations == 1
    assert recovers(history).saw == "acknowledged again 20 ms after the last heal; 1 refused delivery sent again"
