"""Whether a service comes back is judged by its goodput, and only where the load was more than it carried."""

from __future__ import annotations

import pytest

from harness.checks import Verdict
from harness.checks.standing.goodput import comes_back
from harness.history.events import CoresSeen, CoreWait
from harness.vocabulary import REFUSED, UNKNOWN
from tests.checks.loaded import Loaded, collapsed
from tests.checks.support import Story


def given_up_meanwhile(*, before: int = 40) -> Loaded:
    return Loaded().requests(before, 0, 1).requests(20, 1, 2, UNKNOWN)


def test_a_service_that_is_back_in_time_holds_and_says_since_when() -> None:
    story = given_up_meanwhile().requests(90, 2.3, 4.1).disturbed()
    judged = story.judged()
    assert judged.verdict is Verdict.HELD, judged.reason
    saw = comes_back(story.recorder.history).saw
    assert saw == "goodput 40 a second before, 0 while disturbed, 50 from 1 s after on, back after 0.15 s"


@pytest.mark.parametrize(("after", "verdict"), [(31, Verdict.FAILED), (32, Verdict.HELD)])
def test_the_share_is_of_what_it_was_before(after: int, verdict: Verdict) -> None:
    assert given_up_meanwhile().requests(after, 3, 3.99).disturbed().judged().verdict is verdict


def test_what_became_of_the_requests_instead_is_the_reason() -> None:
    refused = given_up_meanwhile().requests(20, 3, 4, REFUSED).disturbed().judged()
    reasons = [each.reason for each in (*collapsed().judged().failing, *refused.failing) if each.name == "comes_back"]
    assert [reason.partition("; ")[2] for reason in reasons] == [
        "of 38 requests 30 were given up after 400 ms, waiting for postgres, 8 were acknowledged",
        "of 20 requests 20 were refused",
    ]


INCONCLUSIVE = [
    (lambda: Loaded().requests(200, 0, 5).disturbed(), "the load never exceeded what the service carried: while it"),
    (
        lambda: given_up_meanwhile(before=20).disturbed(),
        "did not carry the load even before it was disturbed: 20 of",
    ),
    (lambda: given_up_meanwhile(before=9).disturbed(), "only 9 were acknowledged before the service was disturbed"),
    (
        lambda: given_up_meanwhile().disturbed(late_ms=401),
        "load 1 did not arrive on time: the harness itself",
    ),
    (lambda: Loaded().requests(40, 0, 1).disturbed(0, 0.5), "no load arrived around the disturbance"),
]


@pytest.mark.parametrize(("story", "reason"), INCONCLUSIVE, ids=["never", "not-before", "few", "late", "none"])
def test_what_shows_nothing_is_inconclusive(story: type[Story], reason: str) -> None:
    judged = story().judged()
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert reason in judged.reason


def test_what_was_given_up_is_the_senders_doubt_but_what_was_acknowledged_must_be_stored() -> None:
    held = given_up_meanwhile().requests(80, 2, 4).disturbed()
    assert held.failing() == set()
    lost = given_up_meanwhile().requests(80, 2, 4).disturbed().rows()
    assert "acknowledged_is_stored" in lost.failing()


CALM = CoresSeen(1_000, (CoreWait("service", 20, 200),), 0.03)
BUSY = CoresSeen(1_000, (CoreWait("service", 900, 150),), 0.9)
BUSIER = CoresSeen(3_000, (CoreWait("service", 2_300, 150), CoreWait("relay", 900, 50)), 0.9)
AS_BUSY = CoresSeen(3_000, (CoreWait("service", 2_300, 400),), 0.9)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(CALM, BUSIER, Verdict.INCONCLUSIVE), (BUSY, BUSIER, Verdict.INCONCLUSIVE), (BUSY, AS_BUSY, Verdict.FAILED)],
)
def test_a_busy_machine_excuses_only_what_it_did_not_bear_before(
    before: CoresSeen, after: CoresSeen, verdict: Verdict
) -> None:
    judged = collapsed(before, after).judged()
    assert judged.verdict is verdict, judged.reason
