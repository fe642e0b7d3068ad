"""What an error costs beside its own request: pools that are used as pools are, and pools that are thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checks.facts.closed_connections import AGE_MS, IDLE_MS, cost_of
from harness.checks.standing.connections import costs_no_other, waits_for_something
from harness.engine.observing.servers.tries import quiet_everywhere
from harness.engine.observing.service.errors_logged import errors_logged
from harness.faults import wire
from harness.history.events import (
    ConnectionsSeen,
    ConnectionUsed,
    ErrorMet,
    ErrorsMet,
    FaultActed,
    Named,
    Purpose,
    RequestEnded,
    RequestSent,
    ServiceEnded,
)
from harness.protocols.postgres.words import postgres
from harness.vocabulary import ACKNOWLEDGED, REJECTED, UNKNOWN
from tests.checks.spoilt import costly, told_of, waited
from tests.checks.support import DOWN, Story, digest_of, whole

MS = 1_000_000
TAKES_MS = 4
NEVER = 10**9


@dataclass
class Pool:
    """A service's pool, by the clock of its requests: how many connections it keeps, and for how long.

    `dies_ms`: when a connection is too old. `idle_ms`: when it was unused for too long.
    """

    keeps: int = 5
    newest_first: bool = True
    idle_ms: int = NEVER
    dies_ms: int = NEVER
    now_ms: int = 0
    made: int = 0
    idle: list[ConnectionUsed] = field(default_factory=list)
    gone: list[ConnectionUsed] = field(default_factory=list)

    def requests(self, at_ms: int, how_many: int) -> list[ConnectionUsed]:
        """So many requests at once, each on a connection of its own; return those that carried them."""
        self.now_ms = at_ms
        for old in [each for each in self.idle if at_ms * MS - each.used_until_ns >= self.idle_ms * MS]:
            self._end(old, old.used_until_ns + self.idle_ms * MS)
        taken = [self._use(self._take()) for _ in range(how_many)]
        self.now_ms += TAKES_MS
        for each in taken:
            if len(self.idle) < self.keeps:
                self.idle.append(each)
            else:
                self.gone.append(replace(each, ended_ns=self.now_ms * MS, by="service"))
        return taken

    def throw_away(self) -> None:
        """End every idle connection at once."""
        for each in list(self.idle):
            self._end(each, self.now_ms * MS + 1)

    def distrust(self) -> None:
        """Replace every idle connection when it is wanted next, as SQLAlchemy's pool does after `is_disconnect`."""
        self.idle = [replace(each, by="distrusted") for each in self.idle]

    @property
    def all(self) -> list[ConnectionUsed]:
        return sorted((replace(each, by=each.by if each.ended_ns else "") for each in (*self.idle, *self.gone)),
                      key=lambda each: each.number)  # fmt: skip

    def _take(self) -> ConnectionUsed:
        while self.idle:
            each = self.idle[-1 if self.newest_first else 0]
            if each.by != "distrusted" and (self.now_ms * MS - each.opened_ns) < self.dies_ms * MS:
                self.idle.remove(each)
                return each
            self._end(each, self.now_ms * MS)
            break  # this one is replaced by a new one
        self.made += 1
        return ConnectionUsed(self.made, self.now_ms * MS, 0, 0, 0, 0, "", False, 0.0)

    def _use(self, each: ConnectionUsed) -> ConnectionUsed:
        idle_ms = (self.now_ms * MS - each.used_until_ns) / MS if each.uses else 0.0
        return replace(
            each, uses=each.uses + 1, used_from_ns=self.now_ms * MS, used_until_ns=(self.now_ms + TAKES_MS) * MS,
            idle_max_ms=max(each.idle_max_ms, idle_ms),
        )  # fmt: skip

    def _end(self, each: ConnectionUsed, at_ns: int) -> None:
        self.idle.remove(each)
        self.gone.append(replace(each, ended_ns=at_ns, by="service"))


rounds = st.lists(st.tuples(st.one_of(st.integers(5, 400), st.just(2_500)), st.integers(1, 8)), min_size=3, max_size=12)


def played(pool: Pool, steps: list[tuple[int, int]], error_at: int, harm: str = "") -> tuple[Pool, ConnectionUsed, int]:
    """Send rounds of requests, each so long after the last; one of a round gets an error. Return it, and when."""
    at_ms, met, met_ms = 0, None, 0
    for number, (pause_ms, how_many) in enumerate(steps):
        at_ms += pause_ms + TAKES_MS
        taken = pool.requests(at_ms, how_many)
        if number == error_at:
            met, met_ms = taken[0], pool.now_ms
            if harm:
                getattr(pool, harm)()
    assert met is not None
    return pool, met, met_ms


@settings(max_examples=60)
@given(rounds, st.integers(0, 2), st.integers(0, 8), st.booleans(), st.sampled_from([NEVER, 5_000, 10_000]))
def test_no_way_to_keep_connections_is_a_cost_of_the_error(
    steps: list[tuple[int, int]], error_at: int, keeps: int, newest_first: bool, idle_ms: int
) -> None:
    pool, met, met_ms = played(Pool(keeps, newest_first, idle_ms), steps, error_at)
    assert not cost_of(met_ms * MS, met.number, pool.all, (), ()).too_much


@pytest.mark.parametrize(("own_error", "too_much"), [(True, False), (False, True)])
def test_connections_that_each_met_an_error_of_their_own_are_no_cost_of_the_last_one(
    own_error: bool, too_much: bool
) -> None:
    """Four deliveries err at once, one after the other, and the service gives up each one's connection."""
    pool = Pool()
    pool.requests(100, 5)
    at_ns = 400 * MS
    used = [replace(each, used_from_ns=at_ns - 9 * MS, used_until_ns=at_ns - MS, uses=2) for each in pool.all]
    ended = [replace(each, ended_ns=at_ns + 60 * MS, by="service", idle_max_ms=200.0) for each in used]
    erred = {each.number: each.used_until_ns for each in ended} if own_error else {}
    assert cost_of(at_ns, ended[0].number, ended, (), (), erred).too_much is too_much


def test_connections_that_are_replaced_since_they_are_old_are_none_of_the_errors() -> None:
    steps = [(10, 5), *[(700, 5)] * 42, (100, 5), (100, 5), (700, 5), (10, 5)]
    pool, met, met_ms = played(Pool(dies_ms=30_000), steps, 42)
    assert (
        sum(each.ended_ns > met_ms * MS for each in pool.all) == len([each for each in pool.all if each.ended_ns]) == 5
    )
    assert not cost_of(met_ms * MS, met.number, pool.all, (), ()).too_much


@settings(max_examples=60)
@given(rounds, st.integers(3, 8), st.booleans(), st.sampled_from(["throw_away", "distrust"]))
def test_a_pool_that_is_thrown_away_is_a_cost(
    steps: list[tuple[int, int]], at_once: int, newest_first: bool, harm: str
) -> None:
    steps = [(10, at_once), (100, at_once), (100, 1), *steps, (10, at_once), (10, at_once)]
    pool, met, met_ms = played(Pool(8, newest_first), steps, 2, harm)
    cost = cost_of(met_ms * MS, met.number, pool.all, (), ())
    idle = {each.number for each in pool.all if each.opened_ns < met_ms * MS} - {met.number}
    assert {each.number for each in cost.gone} == {number for number in idle if _short(pool, number)}
    assert cost.too_much == (len(cost.gone) > 1)
    assert cost.kept == 0


def _short(pool: Pool, number: int) -> bool:
    (each,) = (each for each in pool.all if each.number == number)
    longest_ms = max(IDLE_MS, *(other.idle_max_ms for other in pool.all))
    young = (each.ended_ns - each.opened_ns) / MS < AGE_MS
    return young and (each.ended_ns - each.used_until_ns) / MS < longest_ms


def thrown_away() -> tuple[list[ConnectionUsed], int, int]:
    steps = [(10, 5), (100, 5), (100, 1), (10, 5), (10, 5)]
    pool, met, met_ms = played(Pool(), steps, 2, "throw_away")
    return pool.all, met.number, met_ms * MS


def test_a_sign_that_the_server_is_away_explains_it() -> None:
    connections, number, t_ns = thrown_away()
    assert cost_of(t_ns, number, connections, (), ()).too_much
    assert not cost_of(t_ns, number, connections, (t_ns - 900 * MS,), ()).too_much
    assert cost_of(t_ns, number, connections, (t_ns - 1_100 * MS,), ()).too_much, "that was long before"
    assert not cost_of(t_ns, number, connections, (t_ns + 1,), ()).too_much
    assert cost_of(t_ns, number, connections, (t_ns + 10 * MS,), ()).too_much, "they had gone by then"


def test_a_process_that_ends_takes_its_connections_with_it() -> None:
    connections, number, t_ns = thrown_away()
    assert not cost_of(t_ns, number, connections, (), [(t_ns + 1, t_ns + MS)]).too_much
    assert not cost_of(t_ns, number, connections, (), [(t_ns - MS, t_ns + MS)]).too_much, "it had begun before"
    assert cost_of(t_ns, number, connections, (), [(t_ns - MS, t_ns - 1)]).too_much, "that was another one"


@pytest.mark.parametrize(
    "change", [{"in_use": True}, {"by": "server"}, {"by": "rule"}, {"uses": 0}, {"ended_ns": 0, "by": ""}]
)
def test_what_the_service_did_not_let_go_of_costs_nothing(change: dict[str, object]) -> None:
    connections, number, t_ns = thrown_away()
    changed = [replace(each, **change) if each.ended_ns else each for each in connections]  # type: ignore[arg-type]  # the fields differ in type
    assert not cost_of(t_ns, number, changed, (), ()).gone


def test_one_connection_is_no_pool_and_most_have_to_go() -> None:
    connections, number, t_ns = thrown_away()
    gone = [each for each in connections if each.ended_ns]
    kept = [replace(each, ended_ns=0, by="", used_from_ns=t_ns + MS, used_until_ns=t_ns + 2 * MS) for each in gone]
    assert not cost_of(t_ns, number, [gone[0]], (), ()).too_much
    assert cost_of(t_ns, number, [*gone[:3], kept[3]], (), ()).too_much
    assert not cost_of(t_ns, number, [*gone[:2], *kept[2:]], (), ()).too_much


def test_an_error_that_speaks_of_the_server_may_cost_every_connection() -> None:
    assert costly(own=False).failing() == set()
    assert costly(by="server").failing() == set()


@pytest.mark.parametrize("tried_ms", [0.5, 60.0, 900.0])
def test_connections_that_are_given_up_while_they_are_made_speak_of_the_line(tried_ms: float) -> None:
    """From their beginning on: who waits for them in vain gives up others, too, and some of these before them."""
    assert costly(given_up=1, tried_ms=tried_ms).failing() == set()


def test_a_connection_that_is_given_up_for_its_own_error_hides_no_sign_of_the_line() -> None:
    history = costly(given_up=1).recorder.history
    (met,), (seen,) = history.of(ErrorsMet), history.of(ConnectionsSeen)
    erred = [
        replace(each, ended_ns=met.errors[0].t_ns + 2, by="service", in_use=True)
        for each in seen.connections
        if not each.ended_ns
    ]
    others = [each for each in seen.connections if each.ended_ns]
    assert [each.number for each in erred] == [met.errors[0].connection]
    assert whole().tell(met, replace(seen, connections=(*erred, *others))).failing() == set()


def test_what_was_begun_long_before_it_was_ended_explains_nothing_of_then() -> None:
    """A pool that is filled in advance ends its unused connections, too, with its process."""
    assert costly(given_up=1, tried_ms=60_000.0).failing() == {"costs_no_other"}


def test_a_client_that_hangs_up_explains_one_connection_and_no_second() -> None:
    """Two of its kind were given up just after one client had hung up: one of them speaks of the line."""
    assert _hung_up(costly(given_up=1)).failing() == {"costs_no_other"}
    assert _hung_up(costly(given_up=2)).failing() == set()


def _hung_up(story: Story) -> Story:
    """A client hangs up just before the error."""
    [met] = [each.errors[0] for each in story.recorder.history.of(ErrorsMet)]
    sent = RequestSent(100, "c", digest_of("c"), 100, Purpose.SCENARIO.value, ACKNOWLEDGED | UNKNOWN)
    ended = RequestEnded(100, UNKNOWN, 1.0, problem="hung up", hung_up_at=Named("at the INSERT"))
    return story.tell_at(met.t_ns - MS, sent).tell_at(met.t_ns - MS // 2, ended)


def test_what_a_rejection_costs_is_found_behind_a_request_that_never_ended() -> None:
    history = costly().recorder.history
    (met_ns,) = (each.errors[0].t_ns for each in history.of(ErrorsMet))
    story = whole()
    for number, name, at_ns in ((100, "never", met_ns - MS), (101, "bad", met_ns)):
        sent = RequestSent(number, name, digest_of(name), 100, Purpose.SCENARIO.value, REJECTED)
        story.tell_at(at_ns, sent)
    story.tell_at(met_ns + MS // 2, RequestEnded(101, REJECTED, 0.5, 400))
    story.tell(*history.of(ConnectionsSeen))
    assert "after bad was rejected, on postgres: 4 healthy connections" in costs_no_other(story.recorder.history).reason


@pytest.mark.parametrize(
    ("asked_ms", "failing"),
    [pytest.param(0.5, set(), id="just after it"), pytest.param(-3_000, {"costs_no_other"}, id="long before it")],
)
def test_what_another_start_ends_is_no_cost_of_an_error(asked_ms: float, failing: set[str]) -> None:
    """The process was asked to end, and ended 300 ms later. That explains nothing of what comes when it is over."""
    story = costly()
    [met] = [each.errors[0] for each in story.recorder.history.of(ErrorsMet)]
    over_ns = met.t_ns + round((asked_ms + 300) * MS)
    story.tell_at(over_ns, ServiceEnded(99, 0, "stop", after_ms=300.0))
    story.tell_at(over_ns, FaultActed(9, Named("lab.restart()"), 300.0))
    assert story.failing() == failing


def test_an_error_that_is_passed_over_in_silence_is_shown_where_the_target_owes_no_line() -> None:
    story = told_of("c", "d", "e", owed=False)
    assert story.failing() == set()
    (result,) = (each for each in story.judged().checks if each.name == "errors_are_told")
    assert result.saw == "1 kinds of errors for deliveries, not logged at all: OOM on redis"


def test_a_request_may_pause_after_a_failure_and_wait_for_what_the_relay_does_not_see() -> None:
    assert waited(error_after_ms=50).failing() == set()
    assert waited(error_after_ms=950).failing() == {"waits_for_something"}, "that came after the wait"
    assert waited(fault=DOWN).failing() == set()
    assert waited(fault=DOWN, healed_after_ms=-1_000).failing() == set(), "the service may pause for longer than that"
    assert waited(fault=DOWN, healed_after_ms=-2_000).failing() == {"waits_for_something"}
    assert waited(fault=wire.fail(postgres.sent("INSERT"), code="40001")).failing() == {"waits_for_something"}


def test_a_wait_for_a_core_is_none_for_nothing() -> None:
    assert waited(waited_ms=600).failing() == {"waits_for_something"}
    assert waited(waited_ms=750).failing() == set()


def test_a_wait_that_may_have_been_for_a_core_is_no_proof_that_the_service_waits_for_nothing() -> None:
    def blurred(story: Story) -> str:
        return waits_for_something(story.recorder.history).blurred

    assert "the machine was too busy: other programs took 90%" in blurred(waited(waited_ms=950, others=0.9))
    assert blurred(waited(waited_ms=950)) == "", "the service's own load"
    assert blurred(whole()) == ""


def met(*errors: tuple[str, str, str], unread: bool = False) -> ErrorsMet:
    return ErrorsMet("redis", tuple(
        ErrorMet(1, 1, delivery, "SET", code, text, False, unread, True) for delivery, code, text in errors
    ))  # fmt: skip


NO_MEMORY = "command not allowed when used memory > 'maxmemory'."
LINE = '{"event": "redis_failed", "delivery": "msg_1", "error": "OutOfMemoryError: %s"}'


@pytest.mark.parametrize(
    ("line", "untold"),
    [
        (LINE % NO_MEMORY, 0),
        (LINE % NO_MEMORY.replace("'", '\\"'), 0),
        ("msg_1: OOM", 0),
        ("msg_1: room", 1),
        (LINE % "command not allowed", 1),
        (LINE.replace("msg_1", "msg_2") % NO_MEMORY, 1),
    ],
)
def test_a_line_tells_of_an_error_by_its_code_or_its_words_and_of_whom_by_the_id(line: str, untold: int) -> None:
    (logged,) = errors_logged(met(("msg_1", "OOM", NO_MEMORY)), ["listening", line], owed=True)
    assert (logged.met, logged.untold_count, logged.owed) == (1, untold, True)


def test_of_an_error_that_nobody_may_have_read_no_line_is_owed() -> None:
    assert not errors_logged(met(("msg_1", "OOM", NO_MEMORY), unread=True), [], owed=True)
    assert not errors_logged(met(("", "OOM", NO_MEMORY)), [], owed=True)
    batch = [replace(each, several=True) for each in met(("msg_1", "OOM", NO_MEMORY)).errors]
    assert not errors_logged(ErrorsMet("redis", tuple(batch)), [], owed=True)


def test_a_driver_may_say_it_in_its_own_words() -> None:
    told, words = met(("msg_1", "0A000", "cached plan must not change")), {"0A000": "plan is invalid"}
    for line, untold in (("msg_1: the plan is invalid now", 0), ("msg_1: the plan", 1)):
        (logged,) = errors_logged(told, [line], owed=True, in_other_words=words)
        assert logged.untold_count == untold


def test_without_a_link_nobody_can_tell_when_it_is_quiet() -> None:
    assert quiet_everywhere([]) == ()


spans = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=8)


@given(st.lists(spans, min_size=1, max_size=3))
def test_it_is_quiet_everywhere_when_it_is_on_each_link(of_links: list[list[tuple[int, int]]]) -> None:
    lists: list[list[tuple[int, int]]] = []
    for pairs in of_links:
        at, made = 0, []
        for gap, length in pairs:
            made.append((at + gap + 1, at + gap + 1 + length))
            at += gap + 1 + length
        lists.append(made)

    def quiet(moment: int, found: Sequence[tuple[int, int]]) -> bool:
        return any(began <= moment < ended for began, ended in found)

    both = quiet_everywhere(lists)
    for moment in range(300):
        assert quiet(moment, both) == all(quiet(moment, found) for found in lists)


def test_a_service_that_uses_no_connection_again_had_none_to_lose() -> None:
    """Its connections are old after a millisecond, so it ends each before the next use."""
    connections, number, t_ns = thrown_away()
    once = [replace(each, idle_max_ms=2.0) for each in connections]
    assert not cost_of(t_ns, number, once, (), ()).too_much
    assert cost_of(t_ns, number, [*once, replace(once[0], number=99, idle_max_ms=20.0)], (), ()).too_much
