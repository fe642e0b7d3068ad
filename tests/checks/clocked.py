"""Stories whose failure rests on a clock: something came too late, never came, or was counted too often meanwhile."""

from __future__ import annotations

from harness.history.events import (
    Asks,
    AtRest,
    CountsRead,
    ErrorLogged,
    FigureRead,
    MomentMissed,
    NotRecovered,
    NotSteady,
    PrepareEnded,
    Purpose,
    RequestEnded,
    RequestSent,
    ServerBlamed,
    ServiceNotStarted,
    StartEnded,
    StartTried,
    VariantAnswered,
)
from harness.stack.http.owed import AN_END
from harness.vocabulary import ACKNOWLEDGED, REFUSED, UNKNOWN, service
from tests.checks.spoilt import RETRIES, watched
from tests.checks.support import Story, digest_of, middle, rest, whole


def late() -> Story:
    """An answer beyond the request deadline."""
    return rest(middle().request("a", took_ms=3_600))


def slow_answer() -> Story:
    story = middle()
    return story.end(story.send("a", slower_ms_max=100), took_ms=830)


def slow() -> Story:
    return rest(slow_answer())


def unreached() -> Story:
    return whole().tell(MomentMissed(service.answers(100), True, 10, "82 answers"))


def unrecovered() -> Story:
    return whole().tell(NotRecovered(10, "503"))


def variant_without_a_word() -> Story:
    story = whole()
    began_ns = story.recorder.history.entries[-1].t_ns - 6_000_000_000
    silent = VariantAnswered("v1", "200; stored: v1", "no answer in time; stored: nothing", "", True, began_ns, 6_000.0)
    return story.tell(silent, VariantAnswered("v2", "200", "200"))


def unanswered() -> Story:
    """A delivery that had to be acknowledged, and whose client gave up after the deadline."""
    story = middle()
    return rest(story.tell(RequestEnded(story.send("a"), UNKNOWN, 4_000.0, problem="no answer in 4 s")))


def given_up_by_the_service() -> Story:
    """A delivery that had to be acknowledged, and that the service refused when a limit of its own was over."""
    return rest(middle().request("b", REFUSED, took_ms=2_000))


def unready() -> Story:
    """A word about its health that the service gave when it had waited for a server for as long as it waits."""
    sent = RequestSent(90, "", "", 0, Purpose.CONTRACT.value, asks=Asks.HEALTH.value, name="ready", owed=ACKNOWLEDGED)
    return whole().tell(sent, RequestEnded(90, REFUSED, 800.0, 503, "database away"))


def relapsed() -> Story:
    """A request of the steady state after the recovery, which the service gave up at a limit of its own."""
    story = middle().request("w", REFUSED, expected=None, purpose=Purpose.WARM, took_ms=2_000)
    return story.tell(NotSteady("1 of 10: w refused")).rows("a")


def unanswered_again() -> Story:
    """A delivery that was acknowledged, and whose repeat had no answer."""
    story = whole()
    sent = story.send("a", expected=None, purpose=Purpose.AGAIN)
    return story.tell(RequestEnded(sent, UNKNOWN, 4_000.0, problem="no answer in 4 s")).rows("a")


def unanswered_read() -> Story:
    sent = RequestSent(
        90, "a", digest_of("a"), 100, Purpose.CONTRACT.value, asks=Asks.READ.value, name="the one", owed=ACKNOWLEDGED
    )
    return whole().tell(sent, RequestEnded(90, UNKNOWN, 3_000.0, problem="no answer in 3 s"))


def silent_start() -> Story:
    return whole().tell(ServiceNotStarted("no line of its log said in 5 s where it listens", 5.0))


def blamed_after_a_wait() -> Story:
    """A server that no fault touched, blamed for a delivery that had waited for it."""
    story = rest(middle().request("a", took_ms=300))
    return story.tell(ServerBlamed("nats", ("nats",), 9, 1, "not looked up within 0.3 s", ("a",)))


def counted_too_often() -> Story:
    return whole().tell(FigureRead(RETRIES, 6, 4))


def overtold() -> Story:
    """Connections that the service counted, and that its server did not get in all the time that it has for that."""
    told = "it reports 5 connections to postgres, whose server has 4"
    return rest(middle().tell(CountsRead(1, (), overtold=(told,), waited_s=5.0)))


def left_over() -> Story:
    """Connections that the service still had when the time for a recovery was over."""
    return whole().tell(AtRest("connections", 16, 15, "a", waited_s=5.0))


def residue() -> Story:
    return whole().tell(AtRest("advisory locks", 1, 0, "a", waited_s=5.0))


def start_that_does_not_end() -> Story:
    return whole().tell(StartEnded(9, None, 5_000.0, False, ""))


def start_that_does_not_come_up() -> Story:
    return whole().tell(StartTried("six", 9, None, 5_000.0, False, "", fails=False))


def preparation_without_end() -> Story:
    return whole().tell(PrepareEnded(9, None, 5_000.0, ""))


def connection_without_end() -> Story:
    """The client asked for the end of its connection, and waited for it."""
    story = middle()
    return rest(story.tell(RequestEnded(story.send("a"), ACKNOWLEDGED, 3_100.0, 200, "stored", lacks=(AN_END,))))


def alert_too_late() -> Story:
    return watched("pending", "inactive")


def alert_seen_too_seldom() -> Story:
    return watched("firing", "inactive")


def alert_of_a_slow_service() -> Story:
    return watched("pending", "firing", "inactive", other="firing")


def error_unheard() -> Story:
    """An error that reached the service when it had given the delivery up already."""
    story = middle().request("z", UNKNOWN, took_ms=3_200, expected=ACKNOWLEDGED | UNKNOWN)
    return rest(story.tell(ErrorLogged("postgres", "25P03", "idle", 1, 0, ("z",), 1, owed=True)))


STORIES = [
    blamed_after_a_wait,
    error_unheard,
    alert_too_late,
    alert_seen_too_seldom,
    alert_of_a_slow_service,
    overtold,
    left_over,
    residue,
    start_that_does_not_end,
    start_that_does_not_come_up,
    preparation_without_end,
    connection_without_end,
    late,
    slow,
    unreached,
    unrecovered,
    variant_without_a_word,
    unanswered,
    given_up_by_the_service,
    relapsed,
    unready,
    unanswered_again,
    unanswered_read,
    silent_start,
    counted_too_often,
]
