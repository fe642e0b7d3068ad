"""What the checks count and what they leave out, where a mistake would otherwise go unseen."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from harness.checks import Verdict
from harness.checks.proof import Proof
from harness.checks.reasons import check_reason
from harness.faults import process
from harness.history.events import (
    AnswersLogged,
    Asks,
    ConnectionsSeen,
    ConnectionUsed,
    CoresSeen,
    CoreWait,
    ErrorMet,
    ErrorsMet,
    EvidenceSeen,
    FaultActed,
    FaultHealed,
    FigureRead,
    LoggedFor,
    Purpose,
    RequestEnded,
    RequestSent,
    SentAgain,
    ServiceStarted,
    StartTried,
    TryMade,
)
from harness.vocabulary import ACKNOWLEDGED, ANY_OUTCOME, REFUSED, service
from tests.checks.spoilt import costly, tried, varied, waited
from tests.checks.support import Story, digest_of, middle, rest, whole

MS = 1_000_000


def saw(story: Story, name: str) -> str:
    return next(each.saw for each in story.judged().checks if each.name == name)


def reason(story: Story, name: str) -> str:
    return next(each.reason for each in story.judged().failing if each.name == name)


def test_a_read_promises_no_delivery() -> None:
    story = rest(middle().ask(Asks.READ, "never sent", ACKNOWLEDGED))
    assert saw(story, "acknowledged_is_stored") == "1 deliveries acknowledged; rows read: 1, then 1"


@pytest.mark.parametrize(("lost", "named"), [(3, "c0, c1, c2"), (5, "c0, c1, c2 and 2 more")])
def test_the_first_three_deliveries_are_named_and_the_others_counted(lost: int, named: str) -> None:
    story = middle()
    for number in range(lost):
        story.request(f"c{number}")
    assert reason(rest(story), "acknowledged_is_stored").endswith(f": {named}")


def test_a_service_that_never_says_that_it_is_ready_is_judged_by_its_last_answer() -> None:
    story = whole()
    began_ns = story.recorder.history.entries[-1].t_ns
    for number, (from_ms, to_ms) in enumerate(((0, 5), (100, 400)), 900):
        sent = RequestSent(number, "", "", 0, Purpose.SAMPLE.value, asks=Asks.HEALTH.value, name="ready")
        story.tell_at(began_ns + from_ms * MS, sent)
        story.tell_at(began_ns + to_ms * MS, RequestEnded(number, REFUSED, 5.0, 503))
    assert "ready_again" in story.failing(), "400 ms, and its last answer says no; the limit is 300"


@pytest.mark.parametrize(("took_ms", "blamed"), [(600.0, False), (0.0, True)])
def test_what_ends_while_a_fault_of_the_process_is_healed_is_no_errors_cost(took_ms: float, *, blamed: bool) -> None:
    story, now_ns = costly(), time.monotonic_ns()
    fault = process.pause()
    story.tell_at(now_ns - 30_000 * MS, FaultActed(9, fault))
    story.tell_at(now_ns - 30_000 * MS, EvidenceSeen(9, fault.evidence[0].kind, fault.evidence[0].source, "some"))
    # The connections ended about 1000 ms ago, so 500 before it was healed.
    story.tell_at(now_ns - 500 * MS, FaultHealed(9, took_ms=took_ms))
    assert ("costs_no_other" in story.failing()) is blamed


@pytest.mark.parametrize(("own", "blamed"), [(True, True), (False, False)])
def test_a_connection_that_an_error_of_the_server_ends_explains_what_follows(*, own: bool, blamed: bool) -> None:
    """The server speaks of itself on connection 7, which the service gives up a second and a half later."""
    story = costly()
    errors = next(iter(story.recorder.history.of(ErrorsMet)))
    seen = next(iter(story.recorder.history.of(ConnectionsSeen)))
    met_ns = errors.errors[0].t_ns
    other = ErrorMet(met_ns - 1_500 * MS, 7, "d", "INSERT", "57P01" if not own else "40P01", "", False, False, own)
    old_ns = met_ns - 5_000 * MS
    used = ConnectionUsed(7, old_ns, 9, old_ns, old_ns + MS, met_ns - MS, "service", in_use=True, idle_max_ms=60.0)
    changed = whole().tell(ErrorsMet("postgres", (other, *errors.errors)))
    changed.tell(replace(seen, connections=(*seen.connections, used)))
    assert ("costs_no_other" in changed.failing()) is blamed


@pytest.mark.parametrize(("unread", "blamed"), [(False, True), (True, False)])
def test_an_error_that_came_too_late_to_be_read_costs_nothing(*, unread: bool, blamed: bool) -> None:
    """The connection had been ended while an answer was due: a pool may then give up those that are as old."""
    story = costly()
    errors = next(iter(story.recorder.history.of(ErrorsMet)))
    seen = next(iter(story.recorder.history.of(ConnectionsSeen)))
    error = replace(errors.errors[0], unread=unread)
    given_up = replace(seen.connections[4], used_until_ns=0, ended_ns=error.t_ns - 100 * MS, by="service", in_use=True)
    connections = (*seen.connections[:4], given_up if unread else seen.connections[4])
    changed = whole().tell(replace(errors, errors=(error,)), replace(seen, connections=connections))
    assert ("costs_no_other" in changed.failing()) is blamed


def test_the_worst_second_counts_each_that_was_sent_again_in_it() -> None:
    assert "in the worst second 3 again" in saw(tried("c", "40001", "40001", "40001", "ok"), "retries_capped")


def test_the_worst_second_may_begin_anywhere() -> None:
    """Once, and again 0, 900, 1500, 1600 and 1700 ms later: four of them lie within a second."""
    story, first_ns = tried("c", "40001", "ok"), time.monotonic_ns() - 1_990 * MS
    tries = tuple(TryMade(first_ns + at * MS, "40001", False) for at in (-1, 0, 900, 1_500, 1_600, 1_700))
    story.tell(SentAgain("postgres", "UPDATE", "c", tries, 0))
    assert "in the worst second 4 again" in saw(story, "retries_capped")


def test_an_answer_about_the_health_needs_no_line_of_the_log() -> None:
    story = middle().health("ready", REFUSED)
    story = rest(story).tell(AnswersLogged(REFUSED, (LoggedFor("b", 1),)))
    assert "log_tells_answers" not in story.failing()
    assert saw(story, "log_tells_answers") != saw(whole(), "log_tells_answers"), "the log was judged"


def test_starts_that_must_fail_and_those_that_must_come_up_are_counted_apart() -> None:
    fails = StartTried("six", 9, 1, 100.0, False, "", True)
    comes_up = StartTried("seven", 9, 0, 100.0, True, "", False)
    story = whole().tell(fails, comes_up, replace(comes_up, name="eight"))
    assert saw(story, "starts") == "1 starts had to fail, 2 to come up"


def test_of_many_starts_that_went_wrong_five_are_told() -> None:
    wrong = StartTried("six", 9, 0, 100.0, False, "", True)
    told = [reason(whole().tell(*[wrong] * times), "starts") for times in (5, 6)]
    assert [each.count("six ended with status 0") for each in told] == [5, 5]
    assert [each.partition(" (and ")[2] for each in told] == ["", "1 more)"]


def test_a_variant_without_an_approved_answer_is_not_judged() -> None:
    told = saw(varied(("200", "200"), ("", "200"), ("", "401")), "answers_as_approved")
    assert told.startswith("1 variants of requests; not approved yet: 2,")


@pytest.mark.parametrize(("who", "verdict"), [("service", Verdict.INCONCLUSIVE), ("clients", Verdict.FAILED)])
def test_a_count_that_is_too_high_is_excused_by_what_the_service_waited_for_alone(who: str, verdict: Verdict) -> None:
    """Ten lines more than the limit: a second's wait for cores explains them."""
    story, began_ns = middle(), time.monotonic_ns() - 2_000 * MS
    story.tell_at(began_ns, RequestSent(100, "c", digest_of("c"), 100, Purpose.SCENARIO.value, ACKNOWLEDGED))
    story.tell_at(began_ns + 1_000 * MS, RequestEnded(100, ACKNOWLEDGED, 1_000.0, 200, "stored"))
    for at in (1, 2, 3, 4):
        story.tell_at(began_ns + at * 500 * MS, CoresSeen(500.0, (CoreWait(who, 450.0, 5.0),), 0.9, 2))
    story = rest(story, "c").tell(FigureRead(service.lines("retrying"), 20, 10))
    judged = story.judged()
    assert judged.verdict is verdict, judged.reason


def test_a_request_without_an_end_can_have_waited() -> None:
    story = waited()
    story.send("d", expected=ANY_OUTCOME)
    assert "waits_for_something" in story.failing()


@pytest.mark.parametrize(("before_ms", "blamed"), [(600, False), (2_000, True)])
def test_a_process_that_has_just_started_may_wait(before_ms: int, *, blamed: bool) -> None:
    """The quiet time is from 1.9 to 1.1 s ago."""
    story = waited()
    story.tell_at(time.monotonic_ns() - (1_100 - before_ms) * MS, ServiceStarted(7, 8, 100.0))
    assert ("waits_for_something" in story.failing()) is blamed


def test_a_check_that_fails_for_one_reason_only_needs_no_match() -> None:
    check_reason(Proof(protections=("pool.pre_ping",), fails="acknowledged_is_stored"), "here")
