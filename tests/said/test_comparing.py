"""What of a service's lines and metrics is not as approved: each difference has a line that makes it."""

from __future__ import annotations

import dataclasses

import pytest

from harness.engine.said.approved import Approved
from harness.engine.said.comparing import other_families
from harness.history.events import FamilySaid
from tests.said.support import ENDED, LISTENING, LITTER, others, refused

LATENCY = FamilySaid("seconds", "histogram", "How long", ("_count", "_sum"), ("_bucket",))


def test_what_is_approved_is_not_told() -> None:
    assert others(LISTENING, refused(), refused(id="b", phase="select"), ENDED, told={"a": ["refused"]}) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (refused(reason="bussy"), "no such line is approved; the nearest is 'refused warning busy'"),
        (refused(level="info"), "no such line is approved"),
        (refused(phase=...), "it lacks the key 'phase'"),
        (refused(more=1), "it has a key 'more', approved are at, id, phase, error"),
        (refused(phase="commit"), '\'phase\' is "commit", approved is "insert" or "select"'),
        (refused(at=5), "'at' is a number, approved is text"),
        (refused(error="ValueError: no"), '\'error\' is "ValueError", approved is "OSError"'),
        ("Traceback (most recent call last):", "no such line is approved"),
    ],
)
def test_each_difference_is_told_with_its_line(line: str, problem: str) -> None:
    (told,) = others(LISTENING, line)
    assert told.startswith("line 2 of the log, ")
    assert problem in told
    assert line[:50] in told


def test_a_line_that_is_not_approved_hides_no_difference_of_a_later_one() -> None:
    unknown, key = others(LISTENING, "Traceback (most recent call last):", refused(phase="commit"))
    assert unknown.startswith("line 2 of the log, ")
    assert key.startswith("line 3 of the log, ")


def test_a_client_must_have_been_told_what_fits() -> None:
    (told,) = others(refused(), told={"a": ["acknowledged"]})
    assert "its client was told acknowledged, approved is refused" in told
    assert others(refused(), told={"a": ["acknowledged", "refused"]}) == []
    assert others(refused(), told={"a": ["no answer"]}) == []
    assert others(refused(), told={}) == [], "of a delivery that is not known nothing is known"


def test_the_same_line_comes_once_for_each_request() -> None:
    again = "it says the same thing once more"
    assert [again in told for told in others(refused(), refused(at="12:01"))] == [True]
    assert others(refused(), refused(), told={"a": ["refused", "refused"]}) == []
    assert others(refused(), refused(phase="select")) == []


def test_what_names_no_delivery_is_not_said_twice_in_a_row() -> None:
    assert any("once more" in told for told in others(LISTENING, LISTENING))
    assert others(LISTENING, LISTENING, apart=False) == [], "two processes may write into one log"


def test_a_process_has_a_first_and_a_last_word() -> None:
    assert any("it is the first line of a process" in told for told in others(refused(), LISTENING))
    (told,) = others(LISTENING, ENDED, refused())
    assert "it is the last line of a process, and after it came 'refused warning busy'" in told


def test_a_line_of_any_time_may_come_before_the_first_and_after_the_last_one() -> None:
    assert others(LITTER, LISTENING, refused(), ENDED) == []
    assert others(LISTENING, refused(), ENDED, LITTER) == []
    (told,) = others(LISTENING, ENDED, LITTER, refused())
    assert "it is the last line of a process, and after it came 'refused warning busy'" in told
    twice = others(LITTER, LISTENING, LITTER, ENDED)
    assert any("line 3" in each and "a process says it once, and said it again" in each for each in twice)


@pytest.mark.parametrize(
    ("seen", "problem"),
    [
        (dataclasses.replace(LATENCY, name="second"), "which is not approved; the nearest is seconds"),
        (dataclasses.replace(LATENCY, type="gauge"), "its type is 'gauge', approved is 'histogram'"),
        (dataclasses.replace(LATENCY, help="?"), "its help is '?', approved is 'How long'"),
        (dataclasses.replace(LATENCY, shows=("_sum",)), "it does not show _count from the start"),
        (dataclasses.replace(LATENCY, later=('_count{a="1"}',)), 'it shows _count{a="1"}, which is not approved'),
    ],
)
def test_metrics_are_as_approved(seen: FamilySaid, problem: str) -> None:
    approved = Approved(families={LATENCY.name: LATENCY})
    assert list(other_families([LATENCY], approved)) == []
    assert problem in "; ".join(other_families([seen], approved))
