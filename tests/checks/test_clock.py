"""A failure that rests on a clock counts on a calm machine, and on a busy one the run is never held."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from harness import postgres
from harness.checks import Verdict
from harness.checks.clock import Late, machine_was_busy
from harness.engine.steps import Wait
from harness.history import Recorder
from harness.history.events import (
    Asks,
    AtRest,
    CoresSeen,
    CoreWait,
    CountsRead,
    ErrorLogged,
    Event,
    FigureRead,
    PrepareEnded,
    Purpose,
    RequestEnded,
    RequestSent,
    ServerBlamed,
    ServiceEnded,
    StartEnded,
    StartTried,
    StepBegan,
    StepEnded,
    VariantAnswered,
)
from harness.vocabulary import ACKNOWLEDGED, REFUSED, REJECTED, UNKNOWN, service
from tests.checks.clocked import (
    STORIES,
    blamed_after_a_wait,
    counted_too_often,
    error_unheard,
    late,
    silent_start,
    slow,
    slow_answer,
    variant_without_a_word,
)
from tests.checks.failing import FAILING
from tests.checks.spoilt import RETRIES
from tests.checks.support import Story, digest_of, middle, rest, whole

CALM = CoresSeen(10_000, (CoreWait("service", 200), CoreWait("relay", 20)), 0.03)
BUSY = CoresSeen(10_000, (CoreWait("service", 8_000), CoreWait("relay", 1_800)), 0.9)
HUNG = CoresSeen(10_000, (CoreWait("service", 10), CoreWait("relay", 1)), 0.9)
OWN_LOAD = CoresSeen(10_000, (CoreWait("service", 8_000), CoreWait("relay", 1_800)), 0.1)


def test_a_connection_that_ended_without_an_answer_counts_on_any_machine() -> None:
    story = middle()
    cut_off = RequestEnded(story.send("a"), UNKNOWN, 900.0, problem="closed without an answer")
    assert rest(story.tell(cut_off)).tell(BUSY).judged().verdict is Verdict.FAILED


def test_a_read_whose_connection_ended_at_once_counts_on_any_machine() -> None:
    sent = RequestSent(
        90, "a", digest_of("a"), 100, Purpose.CONTRACT.value, asks=Asks.READ.value, name="the one", owed=ACKNOWLEDGED
    )
    story = whole().tell(sent, RequestEnded(90, UNKNOWN, 10.0, problem="the connection ended before the answer did"))
    assert story.tell(BUSY).judged().verdict is Verdict.FAILED


@pytest.mark.parametrize("story", STORIES)
class TestByAClock:
    @pytest.mark.parametrize("cores", [CALM, HUNG, OWN_LOAD])
    def test_it_counts_where_the_machine_had_cores_or_the_service_wanted_none(self, story, cores) -> None:  # type: ignore[no-untyped-def]  # parametrized
        judged = story().tell(cores).judged()
        assert judged.verdict is Verdict.FAILED

    def test_it_does_not_count_on_a_busy_machine_and_nothing_is_held(self, story) -> None:  # type: ignore[no-untyped-def]  # parametrized
        judged = story().tell(BUSY).judged()
        assert judged.verdict is Verdict.INCONCLUSIVE
        assert judged.reason.startswith("the machine was too busy: other programs took 90% of its cores, and ")
        assert "; so this does not count: " in judged.reason


def test_a_variant_that_is_answered_otherwise_counts_on_any_machine() -> None:
    other = VariantAnswered("v3", "401; stored: nothing", "200; stored: v3")
    assert variant_without_a_word().tell(other, BUSY).judged().verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("story", "failing"),
    [
        (whole().tell(AtRest("keys without expiry", 1, 0, "a")), "leaves_nothing"),
        (whole().tell(StartEnded(9, None, 5_000.0, True, "")), "ends"),
        (whole().tell(StartEnded(9, 0, 5_000.0, False, "")), "ends"),
        (whole().tell(StartEnded(9, None, 5_000.0, False, "hunter2", hides="hunter2")), "ends"),
        (whole().tell(StartTried("six", 9, None, 5_000.0, True, "")), "starts"),
        (whole().tell(PrepareEnded(9, 1, 5_000.0, "")), "prepares"),
        (whole().tell(ServerBlamed("nats", ("nats",), 9, 1, "gone", ("a",))), "healthy_is_not_blamed"),
        (blamed_after_a_wait().tell(ServerBlamed("nats", ("nats",), 9, 1, "gone", ("",))), "healthy_is_not_blamed"),
        (blamed_after_a_wait().tell(ServerBlamed("nats", ("nats",), 9, 1, "gone")), "healthy_is_not_blamed"),
        (whole().tell(ErrorLogged("postgres", "25P03", "idle", 1, 0, ("a",), 1, owed=True)), "errors_are_told"),
        (error_unheard().tell(ErrorLogged("redis", "OOM", "no", 9, 0, ("z",), 9, owed=True)), "errors_are_told"),
    ],
    ids=[
        "stays for ever",
        "listened",
        "ended well",
        "showed a secret",
        "came up",
        "prepare failed",
        "blamed at once",
        "blamed for nothing",
        "blamed for a line without a name",
        "stored",
        "many",
    ],
)
def test_what_no_time_mends_counts_on_any_machine(story: Story, failing: str) -> None:
    judged = story.tell(BUSY).judged()
    assert (judged.verdict, [each.name for each in judged.failing]) == (Verdict.FAILED, [failing])


def test_what_metrics_lack_counts_on_any_machine_whatever_did_not_come_in_time() -> None:
    counts = CountsRead(1, (), problems=("requests_total is not shown",), overtold=("5 told, 4 there",), waited_s=5.0)
    judged = rest(middle().tell(counts)).tell(BUSY).judged()
    assert (judged.verdict, [each.name for each in judged.failing]) == (Verdict.FAILED, ["counts_are_true"])


def test_the_figures_are_those_of_the_time_that_it_took() -> None:
    recorder = Recorder()
    recorder.record("machine", CALM, t_ns=10_000_000_000)
    recorder.record("machine", BUSY, t_ns=20_000_000_000)
    said = machine_was_busy(recorder.history, Late((11_000_000_000, 12_000_000_000)))
    assert said == (
        "the machine was too busy: other programs took 90% of its cores, and the run's processes waited 1.0 s for a "
        "core in 1.0 s, service the most"
    )
    assert machine_was_busy(recorder.history, Late((1_000_000_000, 9_000_000_000))) == ""
    assert machine_was_busy(recorder.history, Late((1_000_000_000, 12_000_000_000))) == ""
    assert machine_was_busy(recorder.history, Late((30_000_000_000, 31_000_000_000))) == ""


def at(story: Story, second: int, event: Event) -> None:
    story.recorder.record("test", event, t_ns=second * 1_000_000_000)


def test_one_that_was_late_on_a_calm_machine_counts_whatever_befell_the_others() -> None:
    """A sum over both would excuse the first by the second."""
    story = middle()
    calm, busy = (
        CoresSeen(5_000, (CoreWait("service", 100),), 0.03),
        CoresSeen(30_000, (CoreWait("service", 29_000),), 0.9),
    )
    for sent, ended, cores in ((100, 105, calm), (200, 230, busy)):
        at(story, sent, RequestSent(sent, "a", digest_of("a"), 100, "scenario", ACKNOWLEDGED))
        at(story, ended, RequestEnded(sent, ACKNOWLEDGED, (ended - sent) * 1e3, 200, "stored"))
        at(story, ended, cores)
    judged = rest(story).judged()
    assert judged.verdict is Verdict.FAILED
    assert judged.reason.startswith("in_time: ")


def test_what_is_excused_is_no_failure_to_anybody_who_asks() -> None:
    """Else the want of cores would prove a protection."""
    judged = slow().tell(BUSY).judged()
    assert judged.failing == ()
    assert [result.name for result in judged.checks if result.failed] == ["slower"]


BY_A_CLOCK = {
    "alerts",
    "answers_in_one_go",
    "in_time",
    "health_in_time",
    "ready_again",
    "slower",
    "reached",
    "recovers",
    "ends_in_time",
    "waits_for_something",
}


BY_A_CLOCK_TOO = re.compile("was 1( in its block)?, at most 0|still ran after")
"""What is counted too often, and a process that did not end; not what was counted too rarely, or is no number."""


@pytest.mark.parametrize(
    ("name", "spoil"),
    [(name, spoil) for name, spoil, said in FAILING if name not in BY_A_CLOCK and not BY_A_CLOCK_TOO.search(said)],
)
def test_no_other_failure_is_excused_by_a_busy_machine(name: str, spoil: Callable[[], Story]) -> None:
    judged = spoil().tell(BUSY).judged()
    assert name in {result.name for result in judged.failing}


@pytest.mark.parametrize(("took_ms", "counts"), [(99, True), (101, False)])
def test_a_service_that_waited_before_it_said_that_it_is_not_ready_may_be_excused(took_ms: float, counts: bool) -> None:
    story = rest(middle().request("r", purpose=Purpose.RECOVERY).health("ready", REFUSED, took_ms=took_ms), "r")
    assert bool(story.tell(BUSY).judged().failing) == counts


@pytest.mark.parametrize(
    ("others", "waited_ms", "counts"), [(0.51, 8_100, False), (0.49, 8_100, True), (0.51, 7_900, True)]
)
def test_both_figures_have_their_limit(others: float, waited_ms: float, counts: bool) -> None:
    cores = CoresSeen(10_000, (CoreWait("service", waited_ms),), others)
    assert (slow().tell(cores).judged().verdict is Verdict.FAILED) is counts


@pytest.mark.parametrize(
    ("took_ms", "waited_ms", "counts"), [(830, 300, True), (830, 790, False), (350, 300, False), (350, 200, True)]
)
def test_an_answer_that_came_is_excused_by_waits_as_long_as_it_was_late(
    took_ms: float, waited_ms: float, counts: bool
) -> None:
    """The healthy answer takes 5 ms, and the step allows 100 more."""
    story = middle()
    sent = RequestSent(9, "a", digest_of("a"), 100, "scenario", ACKNOWLEDGED, 100)
    story.tell_at(100_000_000_000, sent)
    ended_ns = 100_000_000_000 + int(took_ms * 1e6)
    story.tell_at(ended_ns, RequestEnded(9, ACKNOWLEDGED, took_ms, 200, "stored"))
    story.tell_at(ended_ns, CoresSeen(took_ms, (CoreWait("service", waited_ms),), 0.9))
    assert (rest(story).judged().verdict is Verdict.FAILED) is counts


def test_one_that_never_came_is_excused_by_no_such_wait() -> None:
    """It would have missed its limit without these waits, too."""
    story = middle()
    story.tell_at(100_000_000_000, RequestSent(9, "a", digest_of("a"), 100, "scenario", ACKNOWLEDGED))
    story.tell_at(106_000_000_000, RequestEnded(9, UNKNOWN, 6_000, None, ""))
    story.tell_at(106_000_000_000, CoresSeen(6_000, (CoreWait("service", 3_000),), 0.9))
    judged = rest(story).judged()
    assert "in_time" in {result.name for result in judged.failing}


# On two cores, a service with two threads that never rest beside the one that answers, and three busy loops of others:
# six that want a core, so that each has a third of one.
BURNS = CoresSeen(10_000, (CoreWait("service", 20_000, 8_000), CoreWait("relay", 1_500, 200)), 0.5, 2)
ONE_THREAD = CoresSeen(10_000, (CoreWait("service", 8_000, 800), CoreWait("relay", 1_500, 200)), 0.9, 2)
# Twenty requests at once are served by one thread, and many sessions of the server wait beside it.
TWENTY = CoresSeen(
    10_000, (CoreWait("service", 7_000, 3_000), CoreWait("relay", 6_000, 2_000), CoreWait("postgres", 30_000, 3_000)),
    0.6, 2,
)  # fmt: skip


@pytest.mark.parametrize(("cores", "counts"), [(BURNS, True), (ONE_THREAD, False), (TWENTY, False)])
def test_a_service_that_itself_keeps_the_cores_busy_is_not_excused(cores: CoresSeen, counts: bool) -> None:
    """Whoever had the cores meanwhile made it wait, by their shares; its many threads wait for each other."""
    assert (slow().tell(cores).judged().verdict is Verdict.FAILED) is counts


def test_many_waiting_threads_of_one_part_are_no_longer_wait() -> None:
    """They wait at the same time."""
    cores = CoresSeen(10_000, (CoreWait("postgres", 60_000), CoreWait("relay", 100)), 0.6)
    said = machine_was_busy(slow().tell(cores).recorder.history, Late(span_of(slow().tell(cores))))
    assert "waited 10.1 s for a core in 10.0 s, postgres the most" in said


def span_of(story: Story) -> tuple[int, int]:
    at_ns = story.recorder.history.entries[-1].t_ns
    return at_ns - 10_000_000_000, at_ns


@pytest.mark.parametrize("wrong", [lambda s: s.request("c", REFUSED), lambda s: s.rows("a", "foreign")])
def test_what_is_wrong_whatever_the_time_counts_on_a_busy_machine(wrong) -> None:  # type: ignore[no-untyped-def]  # parametrized
    assert rest(wrong(slow_answer())).tell(BUSY).judged().verdict is Verdict.FAILED


def test_only_the_time_of_the_failure_itself_is_looked_at() -> None:
    """A machine that was busy before, or after, is no excuse."""
    after: list[Event] = [CoresSeen(0.0, (), 0.0), BUSY]
    story = slow()
    ended_ns = story.recorder.history.entries[-1].t_ns
    for seen in after:
        story.recorder.record("machine", seen, t_ns=ended_ns + 60_000_000_000)
    assert story.judged().verdict is Verdict.FAILED


def test_a_history_without_figures_of_cores_is_judged_as_ever() -> None:
    assert slow().judged().verdict is Verdict.FAILED


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s: s.request("d", REFUSED, took_ms=499),
        lambda s: s.request("d", REJECTED, took_ms=1_010),
        lambda s: s.request("d", expected=REFUSED, took_ms=1_010),
    ],
    ids=["said at once", "a final no", "acknowledged"],
)
def test_an_outcome_is_excused_only_if_every_wrong_one_waited_and_said_not_now(wrong) -> None:  # type: ignore[no-untyped-def]  # parametrized
    story = rest(wrong(middle().request("c", REFUSED, took_ms=1_010)), "d")
    assert "outcome" in {result.name for result in story.tell(BUSY).judged().failing}


def test_a_service_that_ended_is_not_excused_by_a_silent_start() -> None:
    story = silent_start().tell(ServiceEnded(1, 1), BUSY)
    assert "alive" in {result.name for result in story.judged().failing}


@pytest.mark.parametrize(
    "seen",
    [
        FigureRead(RETRIES, 3, at_least=4),
        FigureRead(service.bytes_per_request, 9e9, 9),
        FigureRead(postgres.connects_peak(within_ms=250), 12, 11),
    ],
)
def test_a_figure_that_no_want_of_cores_raises_counts(seen: FigureRead) -> None:
    assert "figure" in {result.name for result in counted_too_often().tell(seen, BUSY).judged().failing}


@pytest.mark.parametrize(("too_many", "counts"), [(1, False), (30, True)])
def test_a_figure_is_excused_by_a_tenth_of_a_second_for_each_one_too_many(too_many: int, counts: bool) -> None:
    """The machine was busy for two seconds of ten."""
    story = Story().begin()
    story.tell_at(100_000_000_000, RequestSent(9, "a", digest_of("a"), 100, "scenario", ACKNOWLEDGED))
    story.tell_at(110_000_000_000, RequestEnded(9, ACKNOWLEDGED, 10.0, 200, "stored"))
    story.tell_at(110_000_000_000, CoresSeen(10_000, (CoreWait("service", 2_000),), 0.9))
    story.tell_at(110_000_000_000, FigureRead(postgres.sends_per_request, 1.0 + too_many, 1))
    assert ("figure" in story.failing()) is counts


def test_a_late_answer_is_excused_by_what_its_client_waited_for_too() -> None:
    clients = CoresSeen(10_000, (CoreWait("clients", 8_000), CoreWait("relay", 10)), 0.9)
    assert late().tell(clients).judged().verdict is Verdict.INCONCLUSIVE
    assert late().tell(CALM).judged().verdict is Verdict.FAILED


def test_a_figure_is_not_excused_by_what_the_clients_waited_for_nor_by_some_tenths_of_a_second() -> None:
    """The service counts, whether or not the harness has a core to read its answers with."""
    clients = CoresSeen(10_000, (CoreWait("clients", 9_800), CoreWait("service", 400)), 0.9)
    assert "figure" in {result.name for result in counted_too_often().tell(clients).judged().failing}


@pytest.mark.parametrize(("waited_ms", "counts"), [(800, False), (600, True)])
def test_time_that_the_scenario_let_pass_wants_no_core(waited_ms: float, counts: bool) -> None:
    """Of the 1.9 s of a request it waits for 1.2 on purpose: the machine had 0.7 to lose."""
    story = middle()
    story.tell_at(100_000_000_000, RequestSent(9, "c", digest_of("c"), 100, "scenario", ACKNOWLEDGED))
    story.tell_at(100_100_000_000, StepBegan(7, Wait(1.2, because="it is too old then")))
    story.tell_at(101_300_000_000, StepEnded(7))
    story.tell_at(101_900_000_000, RequestEnded(9, REFUSED, 1_900, 503, "busy"))
    story.tell_at(101_900_000_000, CoresSeen(1_900, (CoreWait("service", waited_ms),), 0.9))
    assert ("outcome" in rest(story).failing()) is counts
