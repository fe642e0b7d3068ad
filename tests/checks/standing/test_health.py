"""What the service says of its health is judged by the deliveries around it, and by nothing that a fault did to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import postgres, redis
from harness.checks.standing.self_reports.health import health_in_time, health_is_true, names_what_is_away, ready_again
from harness.faults import Fault, link, no_fault, process, server, syscall, wire
from harness.history.events import (
    Asks,
    FaultActed,
    FaultHealed,
    Named,
    Purpose,
    Recovered,
    RequestEnded,
    RequestSent,
    ServerDied,
    ServiceEnded,
    ServiceStarted,
)
from harness.vocabulary import ACKNOWLEDGED, REFUSED, UNKNOWN
from tests.checks.spoilt import asked_until_ready
from tests.checks.support import DOWN, Story, whole

CUT_OFF = (syscall.connect(redis, errno="EINVAL"), link.cut(redis))


def lie(story: Story) -> str:
    """Why the check fails, or nothing."""
    return health_is_true(story.healed().recover().recorder.history).reason


def begun(*faults: Fault) -> Story:
    return Story().begin().request("a").acts(*faults)


@pytest.mark.parametrize("faults", [(DOWN,), (link.swallow(redis),), (link.reset(redis),), CUT_OFF, CUT_OFF[::-1]])
def test_ready_is_a_lie_while_what_it_needs_is_away_and_nothing_is_acknowledged(faults: tuple[Fault, ...]) -> None:
    told = begun(*faults).request("b", REFUSED).health("ready", ACKNOWLEDGED)
    assert "ready said yes, although none of 1 deliveries" in lie(told)
    assert "redis was away" in lie(told)


@pytest.mark.parametrize(
    "faults",
    [
        (link.down(postgres),),  # which this target's readiness does not need
        CUT_OFF[:1],
        CUT_OFF[1:],
        (link.latency(redis, latency_ms=5),),
        (process.pause(),),
        (syscall.connect(redis, errno="EINVAL", times=3), link.cut(redis)),
        (CUT_OFF[0], link.cut(redis, at=postgres.sent("COMMIT"))),
    ],
)
def test_ready_is_no_lie_while_what_it_needs_is_there(faults: tuple[Fault, ...]) -> None:
    assert not lie(begun(*faults).request("b", REFUSED).health("ready", ACKNOWLEDGED))


def test_ready_is_no_lie_while_something_is_acknowledged() -> None:
    assert not lie(begun(DOWN).request("b", REFUSED).request("c").health("ready", ACKNOWLEDGED))


def test_without_a_delivery_around_it_nothing_can_be_said_of_ready() -> None:
    assert not lie(begun(DOWN).health("ready", ACKNOWLEDGED))
    assert not lie(begun(no_fault).health("ready", REFUSED))


def test_a_delivery_of_another_window_says_nothing() -> None:
    assert not lie(begun(DOWN).request("b", REFUSED).acts(link.down(postgres)).health("ready", ACKNOWLEDGED))
    spans_both = begun(DOWN)
    number = spans_both.send("b")
    spans_both.acts(link.down(postgres)).end(number, UNKNOWN)
    assert not lie(spans_both.health("ready", ACKNOWLEDGED))


def test_of_several_words_on_readiness_the_last_one_counts() -> None:
    noticed = begun(DOWN).request("b", REFUSED).health("ready", ACKNOWLEDGED).health("ready", REFUSED)
    assert not lie(noticed)
    assert lie(begun(DOWN).request("b", REFUSED).health("ready", REFUSED).health("ready", ACKNOWLEDGED))


@pytest.mark.parametrize("faults", [(no_fault,), (link.down(postgres),)])
def test_not_ready_is_a_lie_while_all_is_acknowledged(faults: tuple[Fault, ...]) -> None:
    assert "ready said no, although all 2 deliveries" in lie(
        begun(*faults).request("b").request("c").health("ready", REFUSED)
    )


@pytest.mark.parametrize(
    "fault",
    [wire.fail(postgres.sent("SELECT"), code="57014", always=True), link.cut(postgres, at=postgres.sent("COMMIT"))],
)
def test_a_question_that_may_have_met_the_fault_itself_is_not_judged(fault: Fault) -> None:
    assert not lie(begun(fault).request("b").health("ready", REFUSED))


def test_a_service_that_recovers_may_still_say_that_it_is_not_ready() -> None:
    recovering = begun(DOWN).healed().request("b").health("ready", REFUSED).recover()
    assert not health_is_true(recovering.recorder.history).failed
    stays = recovering.request("c").health("ready", REFUSED)
    assert health_is_true(stays.recorder.history).failed


def test_not_alive_is_a_lie_whatever_else_is_away() -> None:
    told = begun(DOWN).health("alive", REFUSED)
    assert "alive said no: refused, status 503" in lie(told)
    assert "while link.down(redis) was in force" in lie(told)


@pytest.mark.parametrize("fault", [process.kill(), process.terminate(), process.pause()])
def test_a_process_that_a_fault_strikes_need_not_say_that_it_is_alive(fault: Fault) -> None:
    assert not lie(begun(fault).health("alive", REFUSED))


def test_a_service_that_is_started_again_meanwhile_need_not_say_that_it_is_alive() -> None:
    story = Story().begin()
    asked = RequestSent(9, "", "", 0, Purpose.SAMPLE.value, asks=Asks.HEALTH.value, name="alive")
    story.tell(asked, ServiceEnded(1, 0, "stop"), ServiceStarted(2, 2, 1.0), RequestEnded(9, REFUSED, 5.0, 503))
    assert not health_is_true(story.recorder.history).failed
    story.tell(replace(asked, request=10), RequestEnded(10, REFUSED, 5.0, 503), Recovered(1.0))
    assert health_is_true(story.recorder.history).failed


def test_the_time_in_which_a_fault_comes_or_goes_is_in_no_window() -> None:
    coming = [Story().begin().request("b").health("ready", REFUSED).acts(DOWN, took_ms=ms) for ms in (0, 1e6)]
    assert [bool(lie(story)) for story in coming] == [True, False], "it may have been felt already"
    going = begun(DOWN).request("b", REFUSED).health("ready", ACKNOWLEDGED).healed(took_ms=1e6)
    assert not health_is_true(going.recover().recorder.history).failed, "it may have been gone already"


def test_a_fault_that_is_not_of_the_vocabulary_leaves_no_window_until_it_is_healed() -> None:
    story = Story().begin().tell(FaultActed(1, Named("a point"))).health("alive", REFUSED)
    assert not health_is_true(story.recorder.history).failed
    story.tell(FaultHealed(1)).health("alive", REFUSED)
    assert health_is_true(story.recorder.history).failed


def test_a_stopped_process_owes_no_answer_in_time() -> None:
    late = begun(process.pause()).health("alive", UNKNOWN, took_ms=1_000)
    assert not health_in_time(late.healed().recorder.history).failed
    assert health_in_time(begun(DOWN).health("alive", UNKNOWN, took_ms=1_000).recorder.history).failed


def test_without_a_limit_health_may_take_its_time() -> None:
    story = Story().begin(health_within_ms=None)
    assert not health_in_time(story.health("alive", UNKNOWN, took_ms=1_000).recorder.history).failed


BOTH = ("postgres", "redis")


@pytest.mark.parametrize(
    ("faults", "named", "says"),
    [
        ((DOWN,), ("redis",), ""),
        ((DOWN,), (), "ready named no server; away: redis"),
        ((DOWN,), BOTH, "ready named postgres and redis; away: redis"),
        ((DOWN, link.down(postgres)), ("redis",), "ready named redis; away: postgres and redis"),
        (CUT_OFF, ("redis",), ""),
        ((no_fault,), (), ""),
        ((no_fault,), ("redis",), "ready named redis; away: no server"),
        # One request meets it, and another does not.
        (CUT_OFF[1:], ("redis",), ""),
        ((link.latency(redis, latency_ms=5),), ("redis",), ""),
    ],
)
def test_readiness_names_what_is_away(faults: tuple[Fault, ...], named: tuple[str, ...], says: str) -> None:
    story = Story().begin(tells_away=BOTH).acts(*faults).health("ready", REFUSED, away=named)
    found = names_what_is_away(story.healed().recorder.history)
    assert says in found.reason
    assert found.failed == bool(says)


def test_a_server_that_was_waited_for_in_vain_may_have_had_no_core() -> None:
    story = Story().begin(tells_away=BOTH).acts(DOWN).health("ready", REFUSED, away=BOTH, took_ms=500)
    assert names_what_is_away(story.healed().recorder.history).clock
    story = Story().begin(tells_away=BOTH).acts(DOWN).health("ready", REFUSED, away=(), took_ms=500)
    assert not names_what_is_away(story.healed().recorder.history).clock


def test_a_lie_that_no_want_of_cores_explains_is_told_before_one_that_it_may() -> None:
    """A proof looks for its words in what is told, and one lie of several is."""
    story = Story().begin(tells_away=BOTH).acts(no_fault).health("ready", REFUSED, away=BOTH, took_ms=500).healed()
    found = names_what_is_away(story.acts(DOWN).health("ready", ACKNOWLEDGED).healed().recorder.history)
    assert found.reason.startswith("2 of 2: ready named no server; away: redis")
    assert found.clock == ()


def test_without_a_word_of_the_target_nothing_need_be_named() -> None:
    told = Story().begin().acts(DOWN).health("ready", REFUSED).healed()
    assert names_what_is_away(told.recorder.history).observations == 0


def test_a_server_that_ended_by_what_it_was_told_to_do_may_be_named_or_not() -> None:
    """No history knows from when on it was away; of the others it is known."""
    ended = server.execute(redis, "SHUTDOWN")
    for named, failed in (((), False), (("redis",), False), (BOTH, True)):
        story = Story().begin(tells_away=BOTH).acts(ended).healed().tell(Recovered(1.0))
        story.health("ready", REFUSED, away=named).tell(ServerDied("redis", 0, "bye", ended))
        assert names_what_is_away(story.recorder.history).failed is failed


def test_it_says_that_it_is_ready_soon_after_a_last_no() -> None:
    assert not ready_again(asked_until_ready(whole(), 10, 200, 290).recorder.history).failed


def test_before_the_first_fault_it_is_ready() -> None:
    assert ready_again(asked_until_ready(Story().begin(), 10, 310).recorder.history).failed


def test_under_a_fault_it_need_not_be_ready() -> None:
    story = asked_until_ready(Story().begin().fault(), 10, 310)
    assert not ready_again(story.recover().recorder.history).failed


def test_a_service_that_took_its_time_before_it_said_no_may_have_had_no_core() -> None:
    story = whole()
    began_ns = story.recorder.history.entries[-1].t_ns
    for place, (outcome, took_ms) in enumerate([(REFUSED, 510.0), (ACKNOWLEDGED, 400.0)]):
        sent = RequestSent(900 + place, "", "", 0, Purpose.SAMPLE.value, asks=Asks.HEALTH.value, name="ready")
        story.tell_at(began_ns + place * 600_000_000, sent)
        story.tell_at(
            began_ns + place * 600_000_000 + round(took_ms * 1e6), RequestEnded(900 + place, outcome, took_ms, 200)
        )
    assert not ready_again(story.recorder.history).failed
