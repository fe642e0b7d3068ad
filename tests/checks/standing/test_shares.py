"""How many deliveries a fault met: told where only a part of those that were sent under it did."""

from __future__ import annotations

import pytest

from harness import postgres
from harness.checks.facts.shares import Share, share_of
from harness.engine.observing.reading import evidence_of
from harness.faults import wire
from harness.history.events import EvidenceSeen, FaultActed, FaultHealed, MessageMet
from harness.vocabulary import ACKNOWLEDGED, REFUSED, UNKNOWN
from tests.checks.support import DOWN, Story

EVERY_TIME = wire.fail(postgres.sent("COMMIT"), code="40001", always=True)


def met(delivery: str) -> MessageMet:
    return MessageMet("postgres", 1, 5000, "Query", "sent", "COMMIT", 0, 0, delivery=delivery)


def told(*deliveries: str, more: tuple[str, ...] = (), fault: object = EVERY_TIME) -> Story:
    """A fault in force for 4 deliveries (one is sent twice), which messages of these met. Others are sent after it."""
    story = Story().begin().tell(FaultActed(1, fault))  # type: ignore[arg-type]  # as given
    story.request("a").request("b", UNKNOWN).request("c", REFUSED).request("neighbour/d", REFUSED)
    story.request("d", REFUSED).request("a", ACKNOWLEDGED)
    for each in deliveries:
        story.tell(EvidenceSeen(1, "wire_fail", "relay", "COMMIT", met(each)))
    if more:
        story.tell(EvidenceSeen(1, "wire_fail", "relay", f"{len(more)} more", deliveries=more))
    return story.tell(FaultHealed(1)).request("e")


@pytest.mark.parametrize(
    ("story", "share"),
    [
        (told("a", "b"), Share(2, 4, 2)),
        (told("a", more=("b", "c", "c")), Share(3, 4, 1)),
        (told("c", "d"), Share(2, 4, 0)),
        (told("a", "b", "c", "d"), None),
        (told("a", ""), None),  # whose message that was is not known
        (told("z"), None),
        (told("a", fault=wire.fail(postgres.sent("COMMIT"), code="40001")), None),  # it strikes once only
        (told("a", fault=DOWN), None),
    ],
)
def test_a_share_is_what_only_a_part_met(story: Story, share: Share | None) -> None:
    assert share_of(story.recorder.history, 1) == share


def test_it_is_told_with_the_first_evidence() -> None:
    first, second = evidence_of(told("a", "b").recorder.history)
    assert first.detail.endswith("COMMIT; 2 of 4 deliveries met it; 2 were turned away before")
    assert "deliveries met it" not in second.detail
    assert Share(3, 4, 1).told == "3 of 4 deliveries met it; 1 was turned away before"
    assert Share(3, 4, 0).told == "3 of 4 deliveries met it"
