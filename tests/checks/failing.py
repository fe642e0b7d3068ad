"""Histories that make each check fail, and that alone: how a well-behaved run is spoilt, and what is then said."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from harness.faults.fault import Fault
from harness.history.events import (
    AlertChanged,
    AlertsLeft,
    AlertsWatched,
    AnswersLogged,
    Asks,
    AtRest,
    ConnectionsSeen,
    ConnectionUsed,
    CoresSeen,
    CoreWait,
    CountsLogged,
    CountsRead,
    EffectsRead,
    ErrorLogged,
    ErrorMet,
    ErrorsMet,
    EvidenceSeen,
    FaultActed,
    FaultHealed,
    FigureRead,
    LoggedFor,
    LogRead,
    MomentMissed,
    Named,
    NotRecovered,
    NotSteady,
    PrepareEnded,
    Purpose,
    QuietSeen,
    QuietTime,
    RequestEnded,
    RequestSent,
    SaidCompared,
    ScenarioProblem,
    SecretShown,
    SecretsSought,
    SentAgain,
    SeriesLogged,
    SeriesRead,
    ServiceEnded,
    ServiceNotStarted,
    ServiceStarted,
    StartEnded,
    StartTried,
    StoredRow,
    Supervised,
    TriesCounted,
    TryMade,
    UnhandledLogged,
    VariantAnswered,
)
from harness.vocabulary import ABSENT, ACKNOWLEDGED, ALREADY, ANY_OUTCOME, CONFLICT, REFUSED, REJECTED, UNKNOWN, service
from tests.checks.loaded import collapsed
from tests.checks.support import AT_REST, DOWN, Story, digest_of, middle, rest, row, whole

SECOND_NS = 1_000_000_000
Spoil = Callable[[], Story]


def slow_answer() -> Story:
    story = middle()
    return rest(story.end(story.send("c", slower_ms_max=100), took_ms=105.1, waiting_for=("redis",)), "c")


def warmed_up_late() -> Story:
    story = Story().begin().request("w", took_ms=4_000, purpose=Purpose.WARM)
    return story.fault().request("a").recover().rows("w", "a")


def never_ended() -> Story:
    story = middle()
    story.send("c", expected=ANY_OUTCOME)
    return rest(story)


def not_again() -> Story:
    return rest(middle().request("c", UNKNOWN, expected=UNKNOWN)).again("c", UNKNOWN).rows("a")


def terminated(took_ms: int, *, last_answer_ms: int | None = None) -> Story:
    """It had `took_ms` to end, and answered a last request meanwhile."""
    story = whole()
    asked_ns = story.recorder.history.entries[-1].t_ns
    if last_answer_ms is not None:
        answered_ns = asked_ns + last_answer_ms * 1_000_000
        story.tell_at(asked_ns - 1, RequestSent(900, "a", digest_of("a"), 100, Purpose.AGAIN.value))
        story.tell_at(answered_ns, RequestEnded(900, ACKNOWLEDGED, last_answer_ms, 200, "stored"))
    return story.tell_at(asked_ns + took_ms * 1_000_000, ServiceEnded(1, 0, "SIGTERM", took_ms))


def cut_short() -> Story:
    story = whole()
    number = story.send("c", expected=None, purpose=Purpose.RECOVERY)
    return story.tell(ServiceEnded(1, -15, "SIGTERM"), RequestEnded(number, UNKNOWN, 5.0, problem="broken off"))


def cut_short_as_its_client_knew_first() -> Story:
    story = whole()
    number = story.send("c", expected=None, purpose=Purpose.RECOVERY)
    return story.tell(RequestEnded(number, UNKNOWN, 5.0, problem="broken off"), ServiceEnded(1, -15, "SIGTERM"))


def ended_when_all_was_answered() -> Story:
    return whole().tell(ServiceEnded(1, -15, "SIGTERM"))


def start_ended(status: int | None, *, statuses: tuple[int, ...] = (), listened: bool = False, **texts: str) -> Story:
    return whole().tell(StartEnded(9, status, 100.0, listened, "wrong: hunter2\n", **texts, statuses=statuses))


def prepared(status: int | None, *, fails: bool = False, **texts: str) -> Story:
    return whole().tell(PrepareEnded(9, status, 100.0, "wrong: hunter2\n", fails, **texts))


def tried_start(status: int | None, *, came_up: bool = False, fails: bool = True, **more: Any) -> Story:
    return whole().tell(StartTried("six", 9, status, 100.0, came_up, "wrong: hunter2\n", fails, **more))


def varied(*seen: tuple[str, str]) -> Story:
    """Variants of requests, each with its approved answer and the one that was seen."""
    return whole().tell(*(VariantAnswered(f"v{n}", approved, now) for n, (approved, now) in enumerate(seen)))


def watched(*states: str, other: str = "pending", open: tuple[str, ...] = ()) -> Story:  # noqa: A002  # the event's word
    """A Prometheus watched: Gone had to fire, after it was pending, and Full had not."""
    story = whole().tell(AlertsWatched(("Gone",), ("Gone", "Full")), AlertChanged("Full", other))
    return story.tell(*(AlertChanged("Gone", state) for state in states), AlertsLeft(open, 30.0))


def ended_again(times: int) -> Story:
    """It ended so many times by itself, and a supervisor started it again after the first."""
    story = whole().tell(*(ServiceEnded(pid, 1) for pid in range(100, 100 + times)))
    return story.tell(Supervised(1, 1, 100, 1), ServiceStarted(200, 2, 100.0))


def tried(
    delivery: str, *answers: str, most: int = 10, more: int = 0, mean_ms: float | None = None, per_s: int | None = None
) -> Story:
    """A statement that was sent these times, a millisecond apart, while a request for "c" was open for a second."""
    story, began_ns = middle(), time.monotonic_ns() - 2 * SECOND_NS
    story.tell_at(began_ns, RequestSent(100, "c", digest_of("c"), 100, Purpose.SCENARIO.value, ACKNOWLEDGED))
    story.tell_at(began_ns + SECOND_NS, RequestEnded(100, ACKNOWLEDGED, 1_000.0, 200, "stored"))
    tries = (TryMade(began_ns + at * 1_000_000, answer, answer == "42501") for at, answer in enumerate(answers))
    return rest(story, "c").tell(
        TriesCounted("postgres", 5, 1, 0, most, mean_ms, per_s),
        SentAgain("postgres", "INSERT", delivery, tuple(tries), more),
    )


def costly(*, by: str = "service", code: str = "40P01", own: bool = True, given_up: int = 0) -> Story:
    """Four connections at rest, an error on a fifth, and the four are ended at once.

    `given_up`: how many connections were made and given up, unused, just before.
    """
    met_ns = time.monotonic_ns() - SECOND_NS
    old_ns = met_ns - SECOND_NS
    used = [
        ConnectionUsed(number, old_ns, 9, old_ns, met_ns - SECOND_NS // 4, met_ns + 1_000_000, by, False, 60.0)
        for number in range(2, 6)
    ]
    error = ErrorMet(met_ns, 1, "c", "INSERT", code, "deadlock detected", False, False, own)
    used.append(ConnectionUsed(1, old_ns, 9, met_ns - 1, met_ns + 1, 0, "", False, 60.0))
    used += [
        ConnectionUsed(6 + number, met_ns, 0, 0, 0, met_ns + 500_000, by, False, 0.0) for number in range(given_up)
    ]
    return whole().tell(ErrorsMet("postgres", (error,)), ConnectionsSeen("postgres", 5, tuple(used)))


def told_of(*untold: str, owed: bool = True) -> Story:
    """An error that three deliveries got, and of which no line tells for some of them."""
    return whole().tell(ErrorLogged("redis", "OOM", "no memory", 3, 3 - len(untold), untold, len(untold), owed))


def waited(
    *,
    error_after_ms: float | None = None,
    fault: Fault | None = None,
    waited_ms: float = 0.0,
    healed_after_ms: float = 1_000.0,
) -> Story:
    """A request that was open for a second, in which the service waited for no server for 0.8 s."""
    story, began_ns = middle(), time.monotonic_ns() - 2 * SECOND_NS
    story.tell_at(began_ns, RequestSent(100, "c", digest_of("c"), 100, Purpose.SCENARIO.value, ACKNOWLEDGED))
    story.tell_at(began_ns + SECOND_NS, RequestEnded(100, ACKNOWLEDGED, 1_000.0, 200, "stored"))
    for at in (1, 2):
        waits = (CoreWait("service", waited_ms / 2, 5.0),)
        story.tell_at(began_ns + at * SECOND_NS // 2, CoresSeen(500.0, waits, 0.1, 2))
    if fault is not None:
        story.tell_at(began_ns, FaultActed(9, fault))
        story.tell_at(began_ns, EvidenceSeen(9, fault.evidence[0].kind, fault.evidence[0].source, "some"))
        story.tell_at(began_ns + round(healed_after_ms * 1e6), FaultHealed(9))
    story = rest(story, "c").tell(
        QuietSeen(100.0, (QuietTime(began_ns + SECOND_NS // 10, began_ns + 9 * SECOND_NS // 10),))
    )
    if error_after_ms is not None:
        at_ns = began_ns + round(error_after_ms * 1e6)
        error = ErrorMet(at_ns, 1, "c", "INSERT", "40001", "", False, False, True)
        story.tell(ErrorsMet("postgres", (error,)))
    return story


def ready_is_never_said() -> Story:
    return rest(middle().request("r", purpose=Purpose.RECOVERY).health("ready", REFUSED), "r")


def ready_is_always_said() -> Story:
    story = Story().begin(*AT_REST).request("a").acts(DOWN).request("b", REFUSED, expected=REFUSED)
    return rest(story.health("ready", ACKNOWLEDGED).healed().recover())


def another_body_acknowledged() -> Story:
    story = whole()
    return story.end(story.send("a", digest="other"))


def refused_and_stored_before_it_was_sent_again() -> Story:
    return rest(middle().rows("a", "b").request("b", purpose=Purpose.RECOVERY), "b")


def seen_and_gone() -> Story:
    return rest(middle().request("c", UNKNOWN, expected=UNKNOWN).rows("a", "c"))


def stored_and_denied() -> Story:
    return rest(middle().request("c", UNKNOWN, expected=UNKNOWN).rows("a", "c").ask(Asks.READ, "c", ABSENT), "c")


def shown_and_denied() -> Story:
    story = middle().request("c", UNKNOWN, expected=UNKNOWN)
    return rest(story.ask(Asks.READ, "c", ACKNOWLEDGED).ask(Asks.READ, "c", ABSENT))


def conflict_with_itself() -> Story:
    """Two copies overlap, and one is told that the other has another body."""
    story = middle()
    first, second = (story.send("c", expected=ACKNOWLEDGED | CONFLICT) for _ in range(2))
    return rest(story.end(first).end(second, CONFLICT), "c")


def counted(*seen: float, pid: int = 1, started: bool = False, problems: tuple[str, ...] = ()) -> Story:
    """Ten counters before and after: one refusal lies between, and one request without an answer."""
    before, after = seen
    story = middle().tell(CountsRead(1, (SeriesRead(REFUSED, "refused_total", before),), problems))
    story.request("c", REFUSED, expected=REFUSED)
    story.tell(RequestEnded(story.send("d", expected=ANY_OUTCOME), UNKNOWN, 5.0, problem="broken off"))
    if started:
        story.tell(ServiceStarted(2, 3, 100.0))
    story.tell(CountsRead(pid, (SeriesRead(REFUSED, "refused_total", after),)))
    return rest(story, "d")


def logged(*lines: LoggedFor) -> Story:
    return whole().tell(AnswersLogged(REFUSED, lines))


def logged_for_another_source() -> Story:
    story = rest(middle().request("bank/c", REFUSED, expected=REFUSED))
    return story.tell(AnswersLogged(REFUSED, (LoggedFor("b", 1), LoggedFor("c", 1)), by_source=True))


def nothing_is_away() -> Story:
    story = (
        Story().begin(*AT_REST, tells_away=("postgres", "redis")).request("a").request("b", REFUSED, expected=REFUSED)
    )
    story.acts(DOWN).health("ready", REFUSED).healed()
    return rest(story.recover())


def log_of(lines: int, *, misdated: int = 0, requests: int = 0) -> Story:
    """Lines of a log, of which one for each request is allowed."""
    story = middle()
    for _ in range(requests):
        story.request("a", purpose=Purpose.WARM)
    return rest(story).tell(LogRead(lines, lines, misdated, "it is five to twelve", 1.0))


def effects(*rows: StoredRow, exactly: bool = True) -> Story:
    return whole().tell(EffectsRead("the outbox", exactly, rows))


def secrets(*shown: SecretShown) -> Story:
    return whole().tell(SecretsSought(3, 10, len(shown), shown))


SHOWN = SecretShown("the password on postgres", "the log", "url=[...]")
RETRIES = service.metric("retries")


def in_pieces(*paused_ms: float) -> Story:
    """Further answers for a delivery that is stored; between two pieces of each so much time passed."""
    story = middle()
    for pause_ms in paused_ms:
        story.end(story.send("a"), paused_ms=pause_ms)
    return rest(story)


FAILING: list[tuple[str, Spoil, str]] = [
    ("acknowledged_is_stored", lambda: rest(middle().request("c")), "acknowledged, but not stored: c"),
    ("acknowledged_is_stored", lambda: rest(middle().rows()), "acknowledged, but not stored: a"),
    ("stored_once", lambda: whole().rows(row("a", copies=2)), "stored more than once: a (2 times)"),
    ("stored_once", lambda: rest(middle().rows("a", row("a", copies=2))), "stored more than once: a (3 times)"),
    ("nothing_foreign", lambda: whole().rows("a", "z"), "stored, but never sent like this: z"),
    ("nothing_foreign", lambda: whole().rows(row("a", digest="other")), "stored, but never sent like this: a"),
    ("nothing_foreign", lambda: rest(middle().rows("a", "z")), "stored, but never sent like this: z"),
    ("effects_agree", effects, "stored without the outbox: a"),
    ("effects_agree", lambda: effects(exactly=False), "stored without the outbox: a"),
    ("effects_agree", lambda: effects(row("a"), row("b")), "the outbox of what is not stored: b"),
    ("effects_agree", lambda: effects(row("a", copies=2)), "the outbox more than once: a"),
    ("keeps_secrets", lambda: secrets(SHOWN, SHOWN), "log shows the password on postgres: url=[...] (and 1 more)"),
    ("counts_are_true", lambda: counted(3, 3), "refused_total has counted 0, and clients were answered so 1 to 2"),
    ("counts_are_true", lambda: counted(0, 3), "refused_total has counted 3, and clients were answered so 1 to 2"),
    ("counts_are_true", lambda: counted(0, 1, problems=("tasks says 0",)), "tasks says 0"),
    ("log_tells_answers", logged, "b was answered refused 1 times, and the log tells 0"),
    ("log_tells_answers", lambda: logged(LoggedFor("b", 2)), "b was answered refused 1 times, and the log tells 2"),
    ("log_tells_answers", lambda: logged(LoggedFor("b", 1), LoggedFor("a", 1)), "a was answered refused 0 times"),
    ("log_tells_answers", logged_for_another_source, "bank/c was answered refused 1 times, and the log tells 0"),
    ("refused_is_not_stored", lambda: whole().rows("a", "b"), "refused, but stored: b"),
    ("refused_is_not_stored", lambda: rest(middle().rows("a", "b")), "refused, but stored: b"),
    ("same_answer_again", lambda: whole().again("a", answer="other"), "a ('stored', then 'other': acknowledged"),
    ("same_answer_again", lambda: whole().request("a", answer="other"), "a ('stored', then 'other': acknowledged"),
    ("never_denied", lambda: whole().ask(Asks.READ, "a", ABSENT), "acknowledged, and denied: reading a: absent"),
    ("never_denied", lambda: whole().ask(Asks.READ, "a", REJECTED), "acknowledged, and denied: reading a: rejected"),
    ("shows_what_was_sent", lambda: whole().ask(Asks.READ, "a", ACKNOWLEDGED, shown="other"), "a: shows another"),
    ("shows_what_was_sent", lambda: whole().ask(Asks.READ_UNSENT, "x", ACKNOWLEDGED), "which was never sent"),
    ("wrong_is_rejected", lambda: whole().ask(Asks.WRONG, "x", ACKNOWLEDGED, owed=REJECTED), "the one, which must be"),
    ("wrong_is_rejected", lambda: whole().ask(Asks.WRONG, "x", REFUSED, owed=REJECTED), "owed rejected, got refused"),
    ("first_body_stays", lambda: whole().ask(Asks.TAKEN, "a", ACKNOWLEDGED, owed=CONFLICT), "under a: owed conflict"),
    ("first_body_stays", lambda: whole().ask(Asks.TAKEN, "a", REFUSED, owed=CONFLICT), "owed conflict, got"),
    ("refused_is_not_stored", refused_and_stored_before_it_was_sent_again, "refused, but stored: b"),
    ("never_denied", stored_and_denied, "stored, and denied: reading c: absent"),
    ("never_denied", shown_and_denied, "stored, and denied: reading c: absent"),
    ("shows_what_was_sent", lambda: whole().ask(Asks.READ, "b", ACKNOWLEDGED, shown=digest_of("b")), "reading b: ack"),
    ("first_body_stays", another_body_acknowledged, "a: a: acknowledged, status 200 after 0.01 s; but a: acknowledged"),
    ("answers_agree", lambda: whole().ask(Asks.TAKEN, "b", CONFLICT, owed=CONFLICT), "explains this: another body"),
    ("answers_agree", lambda: whole().ask(Asks.DELIVER, "c", ALREADY), "c: nothing that was sent explains this: c: al"),
    ("answers_agree", conflict_with_itself, "nothing that was sent explains this: c: conflict"),
    ("answers_agree", seen_and_gone, "c: a row is there; but no row is there"),
    ("valid_is_not_rejected", lambda: whole().ask(Asks.DELIVER, "c", REJECTED), "c: rejected, status 401"),
    ("valid_is_not_rejected", lambda: whole().ask(Asks.DELIVER, "c", CONFLICT), "c: conflict, status 409"),
    ("owed", lambda: whole().ask(Asks.HEALTH, "", REFUSED, owed=ACKNOWLEDGED), "the one: owed acknowledged"),
    ("owed", lambda: whole().ask(Asks.DELIVER, "c", REFUSED, owed=ACKNOWLEDGED), "c: owed acknowledged, got refused"),
    ("carries", lambda: whole().ask(Asks.DELIVER, "c", REFUSED, lacks=("retry-after",)), "without retry-after"),
    ("health_is_true", lambda: whole().health("alive", REFUSED), "alive said no: refused, status 503"),
    ("health_is_true", ready_is_never_said, "ready said no, although all 3 deliveries around it were acknowledged: "),
    ("health_is_true", ready_is_always_said, "none of 1 deliveries around it was acknowledged, while link.down(redis)"),
    ("health_in_time", lambda: whole().health("ready", ACKNOWLEDGED, took_ms=901), "ready: acknowledged, status 200"),
    ("answers_in_one_go", lambda: in_pieces(*[41.0] * 3, *[0.0] * 5), "3 of 8: a: acknowledged, status 200 after"),
    ("alive", lambda: whole().tell(ServiceEnded(1, -11)), "ended by itself with status -11"),
    ("alive", lambda: whole().tell(ServiceEnded(1, 0)), "ended by itself with status 0"),
    ("alive", lambda: whole().tell(ServiceNotStarted("no answer")), "no answer"),
    ("outcome", lambda: rest(middle().request("c", REFUSED, answer="busy")), "got refused, status 503, busy"),
    ("outcome", lambda: rest(middle().request("c", expected=REFUSED), "c"), "c: expected refused"),
    ("in_time", lambda: rest(middle().request("c", UNKNOWN, expected=ANY_OUTCOME, took_ms=3_501)), "c: unknown"),
    ("in_time", never_ended, "c: never ended (limit 3.5 s)"),
    ("in_time", warmed_up_late, "w: acknowledged, status 200 after 4.00 s"),
    ("slower", slow_answer, "c: took 0.11 s, waiting for redis (healthy 5.0 ms, at most 100 ms more)"),
    ("reached", lambda: whole().tell(MomentMissed(Named("x"), True, 9, "1 answer")), "x not reached in 9 s: 1 answer"),
    ("recovers", lambda: whole().tell(NotRecovered(10, "503")), "nothing acknowledged 10 s after healing: 503"),
    ("recovers", not_again, "c, sent again: unknown"),
    ("recovers", lambda: middle().tell(NotSteady("1 of 10: b refused")).rows("a"), "not steadily: 1 of 10: b refused"),
    ("comes_back", collapsed, "1 s after what disturbed it had gone, 8 a second were acknowledged in time (before: 40"),
    ("drains", lambda: whole().tell(ServiceEnded(1, 1, "SIGTERM")), "ended with status 1 after SIGTERM"),
    ("drains", cut_short, "ended with status -15 after SIGTERM, with 1 request open"),
    ("drains", cut_short_as_its_client_knew_first, "ended with status -15 after SIGTERM, with 1 request open"),
    ("ends_in_time", lambda: terminated(3_000), "ended 3.0 s after SIGTERM and its last answer (limit 1.5 s)"),
    ("ends", lambda: start_ended(0), "the start had to end, and its status was 0 (expected any but 0)"),
    ("ends", lambda: start_ended(1, statuses=(2, 3)), "its status was 1 (expected 2 or 3)"),
    ("ends", lambda: start_ended(2, listened=True), "the start had to end, and the service accepted connections"),
    ("ends", lambda: start_ended(None), "the start had to end, and the service still ran after 0.1 s"),
    ("ends", lambda: start_ended(2, says="POOL"), "the start did not say 'POOL', but 'wrong: hunter2'"),
    ("ends", lambda: start_ended(2, hides="hunter[0-9]"), "the start showed 'hunter2', which it must not"),
    ("prepares", lambda: prepared(1), "prepare ended with status 1: 'wrong: hunter2'"),
    ("prepares", lambda: prepared(None), "prepare still ran after 0.1 s"),
    ("prepares", lambda: prepared(0, fails=True), "prepare had to fail, and ended with status 0"),
    ("prepares", lambda: prepared(1, fails=True, says="POOL"), "prepare did not say 'POOL', but 'wrong: hunter2'"),
    ("prepares", lambda: prepared(1, fails=True, hides="hunter[0-9]"), "prepare showed 'hunter2', which it must not"),
    ("answers_as_approved", lambda: varied(("4", "4"), ("4", "2")), "'v1' was answered '2', approved is '4'"),
    ("starts", lambda: tried_start(0), "six ended with status 0 (expected any but 0): 'wrong: hunter2'"),
    ("starts", lambda: tried_start(1, statuses=(2,)), "six ended with status 1 (expected 2)"),
    ("starts", lambda: tried_start(0, came_up=True), "six had to fail, and the service accepted connections"),
    ("starts", lambda: tried_start(None), "six still ran after 0.1 s"),
    ("starts", lambda: tried_start(2, fails=False), "six had to come up, and did not: 'wrong: hunter2'"),
    ("starts", lambda: tried_start(1, came_up=True, fails=False), "six ended with status 1 (expected 0)"),
    ("starts", lambda: tried_start(1, serves=False, fails=False), "six ended with status 1 (expected 0)"),
    ("starts", lambda: tried_start(2, says="POOL"), "six did not say 'POOL', but 'wrong: hunter2'"),
    ("starts", lambda: tried_start(2, hides="hunter[0-9]"), "six showed 'hunter2', which it must not"),
    ("starts", lambda: tried_start(2, shown=("the password on postgres: a[...]",)), "six showed the password on"),
    ("alerts", lambda: watched("pending", "inactive"), "Gone did not fire, but was pending, then inactive"),
    ("alerts", watched, "Gone did not fire, but was inactive throughout"),
    ("alerts", lambda: watched("firing", "inactive"), "Gone fired without having been pending"),
    ("alerts", lambda: watched("pending", "firing", other="firing"), "Full fired, and must not"),
    ("alerts", lambda: watched("pending", "firing", open=("Gone",)), "Gone had not ended 30 s after the block"),
    ("alive", lambda: ended_again(2), "ended by itself with status 1"),
    ("retries_capped", lambda: tried("c", *["40001"] * 11), "(40001, 40001, 40001, 40001, 40001, ...) was sent 11"),
    ("retries_capped", lambda: tried("c", "40001", "ok", most=1), "for c (40001, ok) was sent 2 times, at most 1"),
    ("retries_capped", lambda: tried("c", *["lost"] * 2, more=9), "was sent 11 times, at most 10"),
    ("retries_capped", lambda: tried("c", *["57014"] * 10, per_s=8), "was sent again 9 times in one second, at most 8"),
    ("retries_spaced", lambda: tried("c", *["lost"] * 22, most=22, mean_ms=2), "1.0 ms on average before it was sent"),
    ("final_errors_end_it", lambda: tried("c", "42501", "ok"), "for c (42501, ok) was sent again after 42501"),
    ("final_errors_end_it", lambda: tried("", "42501", "42501"), "for c (42501, 42501) was sent again after 42501"),
    ("costs_no_other", costly, "40P01 for 'INSERT' on postgres: 4 connections that were well were ended, and 0 used"),
    ("errors_are_told", lambda: told_of("c", "d"), "OOM (no memory) on redis for 3 deliveries, of which no line tells"),
    ("waits_for_something", waited, "1 of 5: c waited 0.80 s, while the service waited for no server (limit 100 ms)"),
    ("pool_returns", lambda: whole().tell(AtRest("connections", 16, 15, "a")), "connections: a stay at 16, at most 15"),
    ("pool_returns", lambda: whole().tell(AtRest("busy connections", 1, 0, "a")), "busy connections: a stay at 1"),
    ("no_leaks", lambda: whole().tell(AtRest("checked_out", 1, 0)), "checked_out stay at 1, at most 0"),
    ("no_leaks", lambda: whole().tell(AtRest("tasks", 6, 5)), "tasks stay at 6, at most 5"),
    ("no_leaks", lambda: whole().tell(AtRest("descriptors", math.nan, 5)), "descriptors stay at nan"),
    ("log_clean", lambda: whole().tell(UnhandledLogged("Traceback"), UnhandledLogged("x")), "Traceback (and 1 more)"),
    ("log_clean", lambda: whole().tell(UnhandledLogged("Traceback", "OSError: no")), "Traceback OSError: no"),
    ("log_is_of_use", lambda: log_of(9, misdated=2), "2 of 9 lines have no time of this run with a zone: it is five"),
    ("log_is_of_use", lambda: log_of(56, requests=50), "56 lines were logged for 53 requests (limit 1 for each)"),
    ("said_as_approved", lambda: whole().tell(SaidCompared(3, 9, ("line 2 ...",))), "line 2 ...; if it is meant, run"),
    ("said_as_approved", lambda: whole().tell(SaidCompared(9, 9, tuple("abcde"))), "a; b; c (and 2 more)"),
    ("counts_as_logged", lambda: whole().tell(CountsLogged((SeriesLogged("x", 2, 1),))), "x has counted 2, and the"),
    ("names_what_is_away", nothing_is_away, "ready named no server, and away was redis, while link.down(redis)"),
    ("leaves_nothing", lambda: whole().tell(AtRest("advisory locks", 1, 0, "a")), "locks: a stay at 1"),
    ("figure", lambda: whole().tell(FigureRead(RETRIES, 1, 0)), "metric('retries') was 1, at most 0"),
    ("figure", lambda: whole().tell(FigureRead(RETRIES, 1, 0, block=True)), "was 1 in its block, at most 0"),
    ("figure", lambda: whole().tell(FigureRead(RETRIES, math.nan, 0)), "metric('retries') was nan, at most 0"),
    ("figure", lambda: whole().tell(FigureRead(RETRIES, 4, at_least=5)), "metric('retries') was 4, at least 5"),
    ("figure", lambda: whole().tell(FigureRead(RETRIES, math.nan, at_least=5)), "was nan, at least 5"),
    ("assertion", lambda: whole().tell(ScenarioProblem("assert 1 == 2")), "assert 1 == 2"),
]  # fmt: skip
