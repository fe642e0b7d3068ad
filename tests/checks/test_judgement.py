"""The order of verdicts: what outranks what, and which doubt is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness import postgres, redis
from harness.checks import STANDING, Check, Kind, Verdict, judge, worst
from harness.checks.facts.exchanges import AGAIN_MAX
from harness.checks.registry import Examined
from harness.faults import Fault, link, no_fault, server
from harness.history import History
from harness.history.events import (
    AtRest,
    Event,
    FaultActed,
    FigureRead,
    FigureUnknown,
    HarnessProblem,
    MachineLacks,
    MomentMissed,
    Named,
    NotRecovered,
    NotSteady,
    Purpose,
    RowsRead,
    ScenarioProblem,
    ServerDied,
    ServerUnusable,
    ServiceNotStarted,
)
from harness.vocabulary import ACKNOWLEDGED, REFUSED, UNKNOWN, service
from tests.checks.support import Story, middle, rest, whole

FAILED, INCONCLUSIVE, HELD = Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.HELD

STOPS = server.execute(redis, "SHUTDOWN")


def test_a_run_that_is_held_says_nothing() -> None:
    judgement = whole().judged()
    assert (judgement.verdict, judgement.reason, judgement.failing) == (HELD, "", ())


@pytest.mark.parametrize(
    ("doubt", "reason"),
    [
        (HarnessProblem("oops"), "the harness broke: oops"),
        (ServerDied("postgres", -9, "log"), "postgres died, and no fault had touched it: status -9"),
        (MomentMissed(postgres.idle(), False, 10, "0 idle"), "postgres.idle(1) did not come in 10 s: 0 idle"),
        (FaultActed(9, link.cut(postgres)), "link.cut(postgres) left no evidence"),
        (ServerUnusable(STOPS, "reading the rows", "refused"), f"{STOPS!r} left its server unusable for the harness: "),
        (FigureUnknown(service.metric("a"), "the service was started again"), "the service was started again"),
    ],
)
def test_each_doubt_makes_a_run_inconclusive(doubt: Event, reason: str) -> None:
    """Also one that a figure fails: it is of a scenario that was not done to its end."""
    for story in (whole(), whole().tell(FigureRead(service.metric("a"), 1, 0))):
        judgement = story.tell(doubt).judged()
        assert judgement.verdict is INCONCLUSIVE
        assert judgement.reason.startswith(reason)


@pytest.mark.parametrize(
    "doubt",
    [
        HarnessProblem("oops"), ServerDied("postgres", -9, "log"), MachineLacks("seccomp", "no"),
        MomentMissed(postgres.idle(), False, 10, "0 idle"), FaultActed(9, link.cut(postgres)),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "spoil",
    [
        lambda story: story.rows(),
        lambda story: story.rows("a", "a"),
        lambda story: story.rows("a", "z"),
        lambda story: story.rows("a", "b"),
        lambda story: story.again("a", answer="other"),
    ],
    ids=["lost", "doubled", "foreign", "refused", "two answers"],
)
def test_a_wrong_row_counts_whatever_the_doubt(doubt: Event, spoil: Callable[[Story], Story]) -> None:
    assert spoil(whole()).tell(doubt).judged().verdict is FAILED


def test_no_evidence_and_a_failed_expectation_is_inconclusive() -> None:
    judgement = middle(evidence=False).request("c", REFUSED).rows("a").judged()
    assert judgement.verdict is INCONCLUSIVE
    assert judgement.reason == "link.down(redis) left no evidence that the service felt it"
    assert [result.name for result in judgement.failing] == ["outcome"]


def test_a_fault_without_evidence_does_not_hide_what_failed_before_it() -> None:
    """The settings broke the service: it was refused before anything else was, and so no fault could be felt."""
    judgement = Story().begin().request("a", REFUSED).fault(evidence=False).recover().rows().judged()
    assert judgement.verdict is FAILED
    assert judgement.reason.startswith("outcome: 1 of 1: a: expected acknowledged, got refused")
    assert judgement.reason.endswith("; besides, link.down(redis) left no evidence that the service felt it")


def test_it_hides_what_failed_after_it_and_what_a_later_step_could_have_mended() -> None:
    later = Story().begin().request("a").fault(evidence=False).request("b", REFUSED)
    unmended = Story().begin().request("a", expected=REFUSED).fault(evidence=False)
    for story in (later, unmended):
        assert story.recover().rows("a").judged().verdict is INCONCLUSIVE


def test_a_proven_fault_before_it_is_no_excuse() -> None:
    story = Story().begin().fault(link.down(redis)).request("a", REFUSED).fault(link.cut(postgres), evidence=False)
    assert story.recover().rows().judged().verdict is FAILED


def test_no_other_doubt_is_outranked_by_what_failed_before_a_fault() -> None:
    story = Story().begin().request("a", REFUSED).fault(evidence=False).recover().rows()
    assert story.tell(HarnessProblem("oops")).judged().reason == "the harness broke: oops"


def test_evidence_of_one_of_two_faults_names_the_other() -> None:
    story = Story().begin().fault(link.down(redis)).fault(link.cut(postgres), evidence=False)
    judgement = story.request("a").recover().rows("a").judged()
    assert judgement.verdict is INCONCLUSIVE
    assert judgement.reason.startswith("link.cut(postgres) left no evidence")


def test_the_same_fault_twice_needs_evidence_twice() -> None:
    story = Story().begin().fault().fault(evidence=False).request("a").recover().rows("a")
    assert story.judged().verdict is INCONCLUSIVE


def test_no_fault_needs_no_evidence() -> None:
    story = Story().begin().fault(no_fault, evidence=False).request("a").recover().rows("a").again("a").rows("a")
    assert story.judged().verdict is HELD


def test_a_missed_precondition_is_a_doubt_and_a_missed_claim_a_failure() -> None:
    ground = whole().tell(MomentMissed(postgres.idle(), False, 10, "0 idle")).judged()
    claim = whole().tell(MomentMissed(service.answers(5), True, 10, "2")).judged()
    assert (ground.verdict, claim.verdict) == (INCONCLUSIVE, FAILED)
    assert claim.reason == "reached: service.answers(5) not reached in 10 s: 2"


MISSED = MomentMissed(postgres.idle(), False, 10, "0 idle")


def test_what_failed_under_a_proven_fault_outranks_a_moment_that_never_came() -> None:
    for story, reason in (
        (rest(middle().request("c", UNKNOWN)), "outcome: 1 of 3: c: expected acknowledged, got unknown"),
        (whole().tell(NotRecovered(10, "503")), "recovers: nothing acknowledged 10 s after healing: 503"),
    ):
        judgement = story.tell(MISSED).judged()
        assert judgement.verdict is FAILED
        assert judgement.reason.startswith(reason)
        assert judgement.reason.endswith("; besides, postgres.idle(1) did not come in 10 s: 0 idle")


@pytest.mark.parametrize(
    "failure",
    [
        MomentMissed(service.answers(5), True, 10, "2"), ScenarioProblem("assert 1 == 2"),
        FigureRead(service.metric("a"), 1, 0),
    ],
    ids=["reached", "assertion", "figure"],
)  # fmt: skip
def test_what_rests_on_the_whole_scenario_is_no_failure_where_a_moment_never_came(failure: Event) -> None:
    """The scenario was cut short there: what was still to come might have made it hold."""
    judgement = whole().tell(failure, MISSED).judged()
    assert judgement.verdict is INCONCLUSIVE
    assert len(judgement.failing) == 1


def test_a_request_that_never_ended_was_not_answered_as_its_step_expects() -> None:
    story = middle()
    story.send("c")
    assert rest(story).failing() == {"outcome", "in_time"}


@pytest.mark.parametrize(
    "doubt",
    [
        FaultActed(9, link.cut(postgres)), HarnessProblem("oops"), ServerDied("postgres", -9, "log"),
        ScenarioProblem("here:1: what", wrong=True), MomentMissed(Named("an order"), False, 10, "stuck"),
    ],
)  # fmt: skip
def test_every_other_doubt_outranks_what_failed(doubt: Event) -> None:
    judgement = whole().request("c", UNKNOWN).tell(MISSED, doubt).judged()
    assert judgement.verdict is INCONCLUSIVE
    assert [result.name for result in judgement.failing] == ["outcome"]


def test_what_was_due_to_a_fault_still_to_come_is_no_failure_where_its_moment_never_came() -> None:
    """The deliveries are expected to be refused because of a fault that was never injected."""
    judgement = whole().request("c", ACKNOWLEDGED, expected=REFUSED).tell(MISSED).judged()
    assert judgement.verdict is INCONCLUSIVE


def test_without_any_fault_a_moment_that_never_came_is_a_doubt() -> None:
    judgement = Story().begin().request("c", UNKNOWN).tell(MISSED).recover().rows().judged()
    assert judgement.verdict is INCONCLUSIVE


def test_unsteady_before_the_scenario_is_a_doubt_and_after_it_a_failure() -> None:
    before = Story().begin().tell(NotSteady("2 of 10")).judged()
    after = middle().tell(NotSteady("2 of 10")).rows("a").judged()
    assert (before.verdict, before.reason) == (INCONCLUSIVE, "steady state was not reached: 2 of 10")
    assert (after.verdict, after.reason) == (
        FAILED,
        "recovers: acknowledged once after healing, but not steadily: 2 of 10",
    )


def test_what_the_machine_lacks_is_unavailable() -> None:
    judgement = Story().begin().tell(MachineLacks("seccomp", "kernel 4.19")).rows().judged()
    assert judgement.verdict is Verdict.UNAVAILABLE
    assert judgement.reason == "needs seccomp: kernel 4.19"


def test_what_the_machine_lacks_hides_neither_a_wrong_row_nor_what_had_failed_nor_what_was_checked() -> None:
    lacks = MachineLacks("seccomp", "kernel 4.19")
    failed = rest(middle().request("c", UNKNOWN)).tell(lacks).judged()
    assert failed.verdict is FAILED
    assert failed.reason.startswith("outcome: 1 of 3: c: expected acknowledged, got unknown")
    assert failed.reason.endswith("; besides, needs seccomp: kernel 4.19")
    doubtful = rest(middle(evidence=False).request("c", UNKNOWN)).tell(lacks).judged()
    assert doubtful.verdict is Verdict.UNAVAILABLE
    assert [result.name for result in doubtful.failing] == ["outcome"]
    assert whole().rows().tell(lacks).judged().verdict is FAILED


def test_what_the_machine_lacks_hides_no_break_of_the_harness() -> None:
    judgement = whole().tell(MachineLacks("seccomp", "kernel 4.19"), HarnessProblem("oops")).judged()
    assert (judgement.verdict, judgement.reason) == (INCONCLUSIVE, "the harness broke: oops")


def test_rows_that_were_never_read_are_never_held() -> None:
    judgement = middle().judged()
    assert (judgement.verdict, judgement.reason) == (INCONCLUSIVE, "what is stored was never read")


def test_a_run_that_sent_nothing_is_never_held() -> None:
    judgement = Story().begin().recover().rows().judged()
    assert judgement.verdict is INCONCLUSIVE
    assert judgement.reason == "the scenario sent nothing: there is nothing to judge"


def test_a_service_that_could_not_be_sent_anything_is_failed_by_what_it_did() -> None:
    """With the wrong setting it did not come up, so nothing was sent: that is a failure, not a doubt."""
    judgement = Story().begin().fault().tell(ServiceNotStarted("Error 22")).rows().judged()
    assert (judgement.verdict, judgement.reason) == (FAILED, "alive: Error 22")


def test_a_run_that_nobody_saw_recover_is_never_held() -> None:
    judgement = Story().begin().fault().request("a").rows("a").judged()
    assert (judgement.verdict, judgement.reason) == (INCONCLUSIVE, "whether the service recovers was never checked")


def test_a_run_that_broke_nothing_and_does_not_say_so_is_never_held() -> None:
    judgement = Story().begin().request("a").recover().rows("a").again("a").rows("a").judged()
    assert judgement.verdict is INCONCLUSIVE
    assert judgement.reason == "the scenario injected no fault: inject `no_fault` if it is meant to have none"


def test_a_run_that_nobody_looked_at_at_rest_is_never_held() -> None:
    story = Story().begin("tasks", "descriptors").fault().request("a").recover().rows("a").again("a").rows("a")
    judgement = story.tell(AtRest("tasks", 3, 5)).judged()
    assert (judgement.verdict, judgement.reason) == (INCONCLUSIVE, "never checked at rest: descriptors")
    assert story.tell(AtRest("descriptors", 3, 5)).judged().verdict is HELD


@pytest.mark.parametrize(("again", "verdict"), [((), INCONCLUSIVE), (("a",), INCONCLUSIVE), (("a", "c"), HELD)])
def test_what_was_acknowledged_has_to_be_sent_again(again: tuple[str, ...], verdict: Verdict) -> None:
    """What was refused has not; what the runner asked for its own sake need not."""
    story = Story().begin().request("warm", purpose=Purpose.WARM).fault().request("a").request("c")
    story.request("b", REFUSED, expected=REFUSED).recover().rows("a", "c", "warm")
    for delivery in again:
        story.again(delivery)
    story.rows("a", "c", "warm")
    assert story.judged().verdict is verdict


def test_of_very_many_deliveries_some_are_sent_again() -> None:
    """Those that were refused do not stand for others."""
    names = [f"m{number}" for number in range(AGAIN_MAX + 5)]
    few, enough = (Story().begin().fault() for _ in range(2))
    for story, kept in ((few, AGAIN_MAX - 1), (enough, AGAIN_MAX)):
        for name in names:
            story.request(name)
        story.request("b", REFUSED, expected=REFUSED).recover().rows(*names)
        for name in (*names[:kept], "b"):
            story.again(name)
        story.rows(*names, "b")
    assert (few.judged().verdict, enough.judged().verdict) == (INCONCLUSIVE, HELD)
    assert few.judged().reason == f"acknowledged, but never sent again: 6 deliveries; the first: m{AGAIN_MAX - 1}"


def test_an_empty_history_is_inconclusive() -> None:
    assert judge(History(())).verdict is INCONCLUSIVE


def test_a_service_that_refuses_everything_fails() -> None:
    story = Story().begin().fault()
    for name in "abcde":
        story.request(name, REFUSED)
    judgement = story.tell(NotRecovered(10, "503")).rows().judged()
    assert judgement.verdict is FAILED
    assert judgement.reason.startswith("outcome: 5 of 5: a: expected acknowledged, got refused")


def test_a_check_that_crashes_is_a_doubt_that_is_named() -> None:
    def crashing(_: History) -> Examined:
        raise ZeroDivisionError("by zero")

    broken = Check("broken", Kind.LIVENESS, crashing)
    judgement = judge(whole().recorder.history, (*STANDING, broken))
    assert judgement.verdict is INCONCLUSIVE
    assert judgement.reason == "check broken crashed: ZeroDivisionError('by zero')"
    lost = judge(whole().rows().recorder.history, (broken, *STANDING))
    assert lost.verdict is FAILED


def test_the_reason_is_the_first_failing_check_in_order() -> None:
    story = whole().tell(FigureRead(service.metric("a"), 1, 0)).request("c", UNKNOWN).tell(RowsRead(()))
    judgement = story.judged()
    assert judgement.reason == "acknowledged_is_stored: acknowledged, but not stored: a"
    assert [result.name for result in judgement.failing] == ["acknowledged_is_stored", "outcome", "figure"]


def test_an_acknowledgement_where_a_refusal_was_due_fails() -> None:
    story = Story().begin().fault().request("a", ACKNOWLEDGED, expected=REFUSED).recover().rows("a")
    assert story.judged().reason.startswith("outcome: 1 of 1: a: expected refused, got acknowledged")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([HELD, INCONCLUSIVE, FAILED], FAILED),
        ([HELD, INCONCLUSIVE], INCONCLUSIVE),
        ([HELD, Verdict.UNAVAILABLE], HELD),
        ([Verdict.UNAVAILABLE], None),
        ([], None),
    ],
)
def test_the_worst_of_a_run(verdicts: list[Verdict], expected: Verdict | None) -> None:
    assert worst(verdicts) is expected


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            server.execute(redis, "X"),
            "; if server.execute(redis, 'X') is the cause, give it undo=, which is run at heal",
        ),
        (server.execute(redis, "X", undo="Y"), ""),
        (
            server.execute(redis, "SET undo= 1"),
            "; if server.execute(redis, 'SET undo= 1') is the cause, give it undo=, which is run at heal",
        ),
        (link.cut(redis), ""),
    ],
)
def test_what_a_scenario_left_in_force_may_be_why_the_harness_broke(fault: Fault, told: str) -> None:
    broken = whole().tell(FaultActed(9, fault), HarnessProblem("ReadOnlyError"))
    assert broken.judged().reason == f"the harness broke: ReadOnlyError{told}"


def test_a_scenario_that_is_wrong_is_told_before_what_came_of_it() -> None:
    wrong = whole().tell(ScenarioProblem("here:1: what", wrong=True), HarnessProblem("healing"))
    judged = wrong.judged()
    assert (judged.verdict, judged.reason, judged.failing) == (INCONCLUSIVE, "the scenario is wrong: here:1: what", ())


def test_a_server_that_a_fault_ended_is_no_doubt() -> None:
    """Nor is what the harness could not remove from it at the end."""
    ended = whole().tell(ServerDied("redis", 0, "log", STOPS), ServerUnusable(STOPS, "the run", "refused", over=True))
    assert ended.judged().verdict is HELD


def test_a_server_that_a_fault_left_unusable_hides_no_failure() -> None:
    story = whole().tell(NotRecovered(1, "503"), ServerUnusable(STOPS, "reading the rows", "refused"))
    judged = story.judged()
    assert judged.verdict is FAILED
    assert judged.reason.startswith("recovers: nothing acknowledged 1 s after healing: 503; besides, server.execute(")
