"""Each check has a history that makes it fail, and that alone, and the well-behaved one that does not."""

from __future__ import annotations

from typing import get_args

import pytest

from harness.checks import STANDING, Check, Kind, Verdict, judge
from harness.checks.facts.exchanges import exchanges
from harness.checks.proof import CheckName, StateCheck, SymptomCheck
from harness.checks.registry import Examined, check
from harness.history import History
from harness.history.events import (
    Asks,
    LoggedFor,
    Purpose,
)
from harness.vocabulary import ACKNOWLEDGED, ANY_OUTCOME, CONFLICT, REFUSED, UNKNOWN
from tests.checks.failing import FAILING, Spoil
from tests.checks.spoilt import (
    changed_and_kept,
    counted,
    effects,
    effects_after_its_end,
    ended_again,
    ended_when_all_was_answered,
    given_ids,
    in_pieces,
    logged,
    prepared,
    secrets,
    start_ended,
    terminated,
    watched,
)
from tests.checks.support import Story, digest_of, middle, rest, row, whole


@pytest.mark.parametrize(("name", "spoil", "reason"), FAILING, ids=[f"{n}-{each[0]}" for n, each in enumerate(FAILING)])
def test_a_spoilt_history_fails_by_the_named_check(name: str, spoil: Spoil, reason: str) -> None:
    judgement = spoil().judged()
    told = {result.name: result.reason for result in judgement.failing}
    assert reason in told.get(name, "")
    assert judgement.verdict is Verdict.FAILED
    assert set(told) == {name}, "no other check may be blamed"
    assert all(result.observations > 0 and result.saw for result in judgement.failing)


def test_of_several_deliveries_the_sentence_names_the_first_and_the_result_all() -> None:
    story = whole()
    for name in ("c", "d", "d"):
        story.request(name, REFUSED)
    (failed,) = story.judged().failing
    assert failed.reason.startswith("3 of 5: c: expected acknowledged, got refused")
    assert failed.deliveries == ("c", "d")


def test_what_a_worker_makes_later_is_not_missed_of_a_service_that_has_ended() -> None:
    assert [each.name for each in effects_after_its_end(later=True).judged().failing] == ["alive"]
    assert {each.name for each in effects_after_its_end(later=False).judged().failing} == {"alive", "effects_agree"}


@pytest.mark.parametrize("each", STANDING, ids=[each.name for each in STANDING])
def test_a_well_behaved_run_fails_no_check(each: Check) -> None:
    result = each(whole().recorder.history)
    assert not result.failed
    assert result.saw
    assert each.wants.endswith(".")
    assert each.name in {name for name, _, _ in FAILING}, "add a history that makes it fail to FAILING"


def test_a_conflict_told_for_what_was_acknowledged_denies_it_though_nobody_sent_another_body() -> None:
    denied = whole().ask(Asks.DELIVER, "a", CONFLICT)
    assert denied.failing() == {"never_denied", "valid_is_not_rejected"}
    (reason,) = [each.reason for each in denied.judged().failing if each.name == "never_denied"]
    assert "acknowledged, and denied: a: conflict" in reason


@pytest.mark.parametrize(("by", "status"), [("SIGTERM", -15), ("SIGINT", -2), ("SIGINT", 130)])
def test_a_service_without_a_handler_may_end_by_the_signal_when_all_is_answered(by: str, status: int) -> None:
    assert ended_when_all_was_answered(by, status).judged().verdict is Verdict.HELD


@pytest.mark.parametrize(("by", "status"), [("SIGTERM", -2), ("SIGTERM", 143), ("SIGINT", 1)])
def test_no_other_status_will_do(by: str, status: int) -> None:
    assert ended_when_all_was_answered(by, status).failing() == {"drains"}


@pytest.mark.parametrize(
    "story",
    [
        ended_again(1),
        start_ended(2, says="wrong", hides="POOL"),
        start_ended(2, statuses=(2,)),
        start_ended(-6),
        terminated(1_000),
        terminated(4_000, last_answer_ms=3_000),
        prepared(0, says="wrong", hides="POOL"),
        prepared(1, fails=True, says="wrong"),
        watched("pending", "firing", "inactive"),
    ],
)
def test_an_end_that_was_wanted_is_no_failure(story: Story) -> None:
    assert story.failing() == set()


def test_a_check_that_had_nothing_to_look_at_says_so() -> None:
    empty = {each.name for each in STANDING if each(whole().recorder.history).observations == 0}
    of_the_contract = {"shows_what_was_sent", "wrong_is_rejected", "first_body_stays", "owed", "leaves_nothing"}
    of_the_contract |= {"effects_agree", "keeps_secrets", "counts_are_true", "log_tells_answers", "wrong_asks_nobody"}
    of_the_run = {
        "slower",
        "reached",
        "drains",
        "ends_in_time",
        "ends",
        "prepares",
        "starts",
        "retries_spaced",
        "health_is_true",
    }
    of_the_run |= {"health_in_time", "answers_in_one_go", "names_what_is_away", "log_is_of_use", "comes_back", "alerts"}
    of_the_run |= {"costs_no_other", "errors_are_told", "waits_for_something", "answers_as_approved"}
    of_the_run |= {"said_as_approved", "counts_as_logged", "ready_again", "healthy_is_not_blamed"}
    of_the_contract |= {"changes_are_kept", "given_for_good"}
    assert empty == of_the_run | of_the_contract
    nothing = [each(Story().recorder.history) for each in STANDING]
    assert {each.name for each in nothing if each.observations} == {"log_clean", "assertion"}


def test_what_the_service_says_of_itself_agrees() -> None:
    """A client that had no answer does not know what was counted; a new process counts from 0."""
    stories = [
        counted(2, 3),
        counted(2, 4),
        counted(9, 0, pid=2),
        counted(9, 0, started=True),
        logged(LoggedFor("b", 1)),
        effects(row("a")),
    ]
    stories += [effects(row("a", copies=2), row("b"), exactly=False), secrets()]
    assert [story.judged().verdict for story in stories] == [Verdict.HELD] * len(stories)


def test_a_change_that_is_kept_or_never_happened_is_right_and_so_is_an_id_of_its_own() -> None:
    for story in (changed_and_kept(), given_ids("a", "17", "17"), given_ids("c", "17", "18")):
        assert story.failing() == set(), story.judged().reason


@pytest.mark.parametrize(("within_ms", "failing"), [(0.0, {"changes_are_kept"}), (60_000.0, set())])
def test_a_change_may_come_as_late_as_a_delivery(within_ms: float, failing: set[str]) -> None:
    story = Story().begin(within_ms=within_ms).ask(Asks.DELIVER, "c", ACKNOWLEDGED)
    story.ask(Asks.CHANGE, "c", ACKNOWLEDGED, digest="new").ask(
        Asks.READ_CHANGED, "c", ACKNOWLEDGED, shown=digest_of("c")
    )
    assert story.failing() & {"changes_are_kept"} == failing


def test_proofs_may_name_checks_by_their_kind() -> None:
    """For type checkers: the names are written once more, and are those of the registry."""
    by_match = {True: get_args(SymptomCheck), False: get_args(StateCheck)}
    for needs_match, names in by_match.items():
        assert set(names) == {each.name for each in STANDING if each.needs_match is needs_match} & set(names)
    assert {*get_args(SymptomCheck), *get_args(StateCheck)} == set(get_args(CheckName))


def test_a_registered_check_needs_nothing_else() -> None:
    """It judges, its name is in the reason, its kind says when that counts, and a second of its name is refused."""

    def quiet(history: History) -> Examined:
        """The service logs nothing."""
        del history
        return Examined(problem="3 lines", saw="3 lines", observations=1)

    found = Check("quiet", Kind.LIVENESS, quiet)
    judgement = judge(whole().recorder.history, [*STANDING, found])
    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "quiet: 3 lines")
    assert judge(whole(evidence=False).recorder.history, [*STANDING, found]).verdict is Verdict.INCONCLUSIVE
    unsafe = Check("quiet", Kind.SAFETY, quiet)
    assert judge(whole(evidence=False).recorder.history, [unsafe]).verdict is Verdict.FAILED
    assert found.wants == "The service logs nothing."
    with pytest.raises(ValueError, match="two checks are called alive"):
        check(Kind.REST)(alive)


def alive(history: History) -> Examined:
    """Has the name of another."""
    del history
    return Examined(saw="nothing", observations=0)


def test_what_a_check_must_not_blame() -> None:
    """Cases at the border, each of them right."""
    story = middle()
    story.request("c", UNKNOWN, expected=ANY_OUTCOME)  # may be stored, may not
    story.request("d", UNKNOWN, expected=UNKNOWN).request("d", REFUSED, expected=REFUSED)  # stored by the first
    story.end(story.send("e", expected=ANY_OUTCOME, slower_ms_max=100), UNKNOWN, took_ms=105)  # just in time
    story.request("f", took_ms=3_500)
    story.rows("a", "d", "f").again("c").again("d").again("e").again("f").rows("a", "c", "d", "e", "f")
    assert story.failing() == set()


def test_a_repeat_that_was_not_acknowledged_is_no_word_about_rows() -> None:
    """It fails the run, but only with the fault's evidence: a broken server may have refused it."""
    assert whole().again("a", REFUSED).failing() == {"same_answer_again", "recovers"}
    assert whole().again("a", REFUSED).rows("a").judged().verdict is Verdict.FAILED
    assert whole(evidence=False).again("a", REFUSED).rows("a").judged().verdict is Verdict.INCONCLUSIVE
    assert whole(evidence=False).again("a", answer="other").judged().verdict is Verdict.FAILED


def test_a_repeat_that_was_refused_is_told_after_what_the_scenario_itself_saw() -> None:
    story = rest(middle().request("c", REFUSED, answer="busy")).again("a", REFUSED).rows("a")
    judgement = story.judged()
    assert judgement.reason.startswith("outcome: ")
    assert [each.name for each in judgement.failing] == ["outcome", "recovers", "same_answer_again"]
    assert story.rows().judged().failing[0].name == "acknowledged_is_stored"


def test_a_repeat_that_the_harness_broke_off_is_no_other_answer() -> None:
    story = whole()
    story.send("a", purpose=Purpose.AGAIN, expected=None)
    assert "same_answer_again" not in story.failing()


def test_sending_again_does_not_hide_a_loss() -> None:
    story = middle().rows().again("a").rows("a")
    assert story.failing() == {"acknowledged_is_stored"}


def test_rows_of_a_delivery_that_was_acknowledged_later_are_not_missed_before() -> None:
    story = middle().rows("a").again("c").rows("a", "c")
    assert "acknowledged_is_stored" not in story.failing()


def test_a_story_tells_how_a_request_ended() -> None:
    story = Story().begin().request("a").request("b", UNKNOWN, answer="who knows")
    story.end(story.send("c"), REFUSED, answer="busy", took_ms=1_500, waiting_for=("postgres", "redis"))
    story.send("d")
    assert [exchange.story() for exchange in exchanges(story.recorder.history)] == [
        "acknowledged, status 200 after 0.01 s",
        "unknown, status 504, who knows after 0.01 s",
        "refused, status 503, busy after 1.50 s, waiting for postgres and redis",
        "never ended",
    ]


@pytest.mark.parametrize(
    "paused_ms",
    [(41.0, 41.0, *[0.0] * 6), (19.0,) * 9, (41.0,) * 7],
    ids=["few", "short", "too few to tell"],
)
def test_answers_that_paused_now_and_then_are_no_failure(paused_ms: tuple[float, ...]) -> None:
    assert in_pieces(*paused_ms).failing() == set()
