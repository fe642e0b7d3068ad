"""A read asks for what is stored of a delivery: it stores nothing, and its answers are compared with each other."""

from __future__ import annotations

from harness.checks.standing import safety
from harness.history.events import Asks, Purpose, RequestEnded, RequestSent
from harness.vocabulary import ACKNOWLEDGED
from tests.checks.support import Story, digest_of


def read(story: Story, number: int, answer: str, purpose: Purpose = Purpose.SCENARIO) -> Story:
    sent = RequestSent(number, "a", digest_of("a"), 100, purpose.value, ACKNOWLEDGED, asks=Asks.READ.value)
    return story.tell(sent, RequestEnded(number, ACKNOWLEDGED, 5.0, 200, answer))


def test_a_read_that_is_acknowledged_promises_no_row() -> None:
    history = read(Story().begin(), 100, "here it is").rows().recorder.history
    assert not safety.acknowledged_is_stored(history).failed


def test_a_delivery_that_was_only_read_is_foreign_where_it_is_stored() -> None:
    history = read(Story().begin(), 100, "here it is").rows("a").recorder.history
    assert safety.nothing_foreign(history).failed


def test_reads_need_not_say_what_the_delivery_was_answered() -> None:
    story = read(Story().begin().request("a", answer="stored"), 100, "here it is")
    assert not safety.same_answer_again(read(story, 101, "here it is", Purpose.AGAIN).recorder.history).failed


def test_two_reads_of_one_delivery_that_differ_are_told() -> None:
    story = read(read(Story().begin(), 100, "here it is"), 101, "other bytes", Purpose.AGAIN)
    result = safety.same_answer_again(story.recorder.history)
    assert result.failed
    assert "reading a" in result.reason
