"""How the history of a well-behaved run is spoilt, one way at a time."""

from __future__ import annotations

import signal
import time
from typing import Any

from harness.faults.fault import Fault
from harness.history.events import (
    AlertChanged,
    AlertsLeft,
    AlertsWatched,
    AnswersLogged,
    Asks,
    ConnectionsSeen,
    ConnectionUsed,
    CoresSeen,
    CoreWait,
    CountsRead,
    EffectsRead,
    ErrorLogged,
    ErrorMet,
    ErrorsMet,
    EvidenceSeen,
    FaultActed,
    FaultHealed,
    LoggedFor,
    LogRead,
    PrepareEnded,
    Purpose,
    QuietSeen,
    QuietTime,
    RequestEnded,
    RequestSent,
    SecretShown,
    SecretsSought,
    SentAgain,
    SeriesRead,
    ServiceEnded,
    ServiceStarted,
    StartEnded,
    StartTried,
    StoredRow,
    Supervised,
    TriesCounted,
    TryMade,
    VariantAnswered,
)
from harness.vocabulary import ABSENT, ACKNOWLEDGED, ANY_OUTCOME, CONFLICT, REFUSED, UNKNOWN, Outcome, service
from tests.checks.support import AT_REST, DOWN, Story, digest_of, middle, rest, row, whole

SECOND_NS = 1_000_000_000


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


def amended(outcome: Outcome = ACKNOWLEDGED, *, removes: bool = False) -> Story:
    """A delivery that is changed, or removed, and then is there as it should be."""
    stored = [] if removes else [row("c", digest="new" if outcome is ACKNOWLEDGED else None)]
    story = whole().ask(Asks.DELIVER, "c", ACKNOWLEDGED).ask(Asks.READ_CHANGED, "c", ACKNOWLEDGED, shown=digest_of("c"))
    return story.ask(Asks.CHANGE, "c", outcome, digest="" if removes else "new").rows("a", *stored)


def given_ids(delivery: str, *ids: str) -> Story:
    """Deliveries whose answers give them these ids: the first to "a", the others to this one."""
    story = whole().ask(Asks.DELIVER, "a", ACKNOWLEDGED, given=ids[0])
    for each in ids[1:]:
        story.ask(Asks.DELIVER, delivery, ACKNOWLEDGED, given=each)
    return story.rows("a", *({delivery} - {"a"}))


def changed_and_kept() -> Story:
    """One delivery is changed, and perhaps another one is removed, which had an id of its own."""
    story = amended().ask(Asks.READ_CHANGED, "c", ACKNOWLEDGED, shown="new")
    story.ask(Asks.DELIVER, "d", ACKNOWLEDGED, given="18").ask(Asks.CHANGE, "d", UNKNOWN, digest="")
    return story.rows("a", row("c", digest="new")).ask(Asks.READ_CHANGED, "d", ABSENT)


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


def asked_until_ready(story: Story, *took_ms: float) -> Story:
    """From when it was first asked to the ends of its answers: each but the last says no."""
    began_ns = story.recorder.history.entries[-1].t_ns
    for place, ms in enumerate(took_ms):
        number, says_no = 900 + place, place < len(took_ms) - 1
        at_ns = began_ns if not place else began_ns + round(took_ms[place - 1] * 1e6)
        sent = RequestSent(number, "", "", 0, Purpose.SAMPLE.value, asks=Asks.HEALTH.value, name="ready")
        answer = (REFUSED, 5.0, 503) if says_no else (ACKNOWLEDGED, 5.0, 200)
        story.tell_at(at_ns, sent).tell_at(began_ns + round(ms * 1e6), RequestEnded(number, *answer))
    return story


def cut_short(by: signal.Signals = signal.SIGTERM, status: int = -15) -> Story:
    story = whole()
    number = story.send("c", expected=None, purpose=Purpose.RECOVERY)
    return story.tell(ServiceEnded(1, status, by.name), RequestEnded(number, UNKNOWN, 5.0, problem="broken off"))


def cut_short_as_its_client_knew_first() -> Story:
    story = whole()
    number = story.send("c", expected=None, purpose=Purpose.RECOVERY)
    return story.tell(RequestEnded(number, UNKNOWN, 5.0, problem="broken off"), ServiceEnded(1, -15, "SIGTERM"))


def ended_when_all_was_answered(by: str = "SIGTERM", status: int = -15) -> Story:
    return whole().tell(ServiceEnded(1, status, by))


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


def costly(
    *, by: str = "service", code: str = "40P01", own: bool = True, given_up: int = 0, tried_ms: float = 0.5
) -> Story:
    """Four connections at rest, an error on a fifth, and the four are ended at once: a millisecond after it.

    `given_up`: how many connections were begun at the error and given up, unused, after so many milliseconds.
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
        ConnectionUsed(6 + number, met_ns, 0, 0, 0, met_ns + round(tried_ms * 1e6), by, False, 0.0)
        for number in range(given_up)
    ]
    return whole().tell(ErrorsMet("postgres", (error,)), ConnectionsSeen("postgres", 5, tuple(used)))


def told_of(*untold: str, owed: bool = True) -> Story:
    """An error that three deliveries got, and that no line of the log reports for some of them."""
    return whole().tell(ErrorLogged("redis", "OOM", "no memory", 3, 3 - len(untold), untold, len(untold), owed))


def waited(
    *,
    error_after_ms: float | None = None,
    fault: Fault | None = None,
    waited_ms: float = 0.0,
    others: float = 0.1,
    healed_after_ms: float = 1_000.0,
) -> Story:
    """A request that was open for a second, in which the service waited for no server for 0.8 s."""
    story, began_ns = middle(), time.monotonic_ns() - 2 * SECOND_NS
    story.tell_at(began_ns, RequestSent(100, "c", digest_of("c"), 100, Purpose.SCENARIO.value, ACKNOWLEDGED))
    story.tell_at(began_ns + SECOND_NS, RequestEnded(100, ACKNOWLEDGED, 1_000.0, 200, "stored"))
    for at in (1, 2):
        waits = (CoreWait("service", waited_ms / 2, 5.0),)
        story.tell_at(began_ns + at * SECOND_NS // 2, CoresSeen(500.0, waits, others, 2))
    if fault is not None:
        story.tell_at(began_ns, FaultActed(9, fault))
        story.tell_at(began_ns, EvidenceSeen(9, fault.evidence[0].kind, fault.evidence[0].source, "some"))
        story.tell_at(began_ns + round(healed_after_ms * 1e6), FaultHealed(9))
    story = rest(story, "c").tell(
        QuietSeen(
            100.0,
            (
                QuietTime(began_ns + SECOND_NS // 100, began_ns + SECOND_NS // 50),  # shorter than the limit
                QuietTime(began_ns + SECOND_NS // 10, began_ns + 9 * SECOND_NS // 10),
            ),
        )
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


def effects_after_its_end(*, later: bool) -> Story:
    return whole().tell(ServiceEnded(1, 1), EffectsRead("the outbox", exactly=True, rows=(), later=later))


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
