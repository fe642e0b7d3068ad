"""What a rule takes, when, and what becomes of it: the engine alone, fed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from harness.wire import Action, Corrupt, Cut, Delay, Drop, DropAndClose, Duplicate, Hold, Late, Passed, Reset, Stall
from harness.wire._near_misses import near_misses
from harness.wire.frames import HEAD_MAX, Direction
from tests.wire import postgres_words as pg
from tests.wire.engines import Bed, Wire

BEGIN, INSERT, COMMIT = pg.query("BEGIN"), pg.query("INSERT INTO t VALUES (1)"), pg.query("  commit;")
BEGUN, INSERTED, COMMITTED = (pg.complete(tag) + pg.READY for tag in ("BEGIN", "INSERT 0 1", "COMMIT"))


def started(bed: Bed) -> Wire:
    """Make a connection that is past its startup."""
    wire = bed.connect()
    assert wire.sends(pg.startup()) == pg.startup()
    assert wire.answers(pg.OK) == pg.OK
    return wire


def redis_started(bed: Bed) -> Wire:
    assert bed.protocol == "redis"
    return bed.connect()


# ---------------------------------------------------------------------- cut and reset


@pytest.mark.parametrize(("action", "ended"), [(Cut(), "closed"), (Reset(), "reset")])
def test_what_comes_before_in_the_same_read_goes_first(action: Action, ended: str) -> None:
    bed = Bed()
    bed.arm(action, "sent", "COMMIT")
    wire = started(bed)
    assert wire.sends(BEGIN, INSERT, COMMIT, BEGIN) == BEGIN + INSERT
    assert wire.ended() == ended
    (fired,) = wire.fired()
    assert (fired.message, fired.text, fired.passed_bytes) == ("Query", "  commit;", 0)
    assert fired.offset == len(pg.startup() + BEGIN + INSERT)
    assert (fired.connection, fired.service_port) == (1, 40_001)
    assert wire.answers(BEGUN) == b""


@pytest.mark.parametrize(("after", "passed"), [(0, 0), (1, 1), (len(COMMIT), len(COMMIT)), (None, len(COMMIT))])
def test_a_cut_passes_on_the_bytes_that_it_is_told_to(after: int | None, passed: int) -> None:
    bed = Bed()
    bed.arm(Cut(after), "sent", "COMMIT")
    wire = started(bed)
    assert wire.sends(COMMIT) == COMMIT[:passed]
    assert wire.ended() == "closed"
    assert wire.fired()[0].passed_bytes == passed


@pytest.mark.parametrize("action", [Cut(len(COMMITTED) + 1), Reset(len(COMMITTED) + 1)])
def test_a_unit_that_is_too_short_to_be_cut_there_passes_and_the_rule_stays(action: Action) -> None:
    bed = Bed()
    rule = bed.arm(action, "answered", "COMMIT", nth=1)
    wire = started(bed)
    wire.sends(COMMIT)
    assert wire.answers(COMMITTED) == COMMITTED
    assert (wire.ended(), wire.fired()) == ("", [])
    armed = bed.book.get(rule)
    assert armed is not None
    assert f"what fits was seen 1 times, but it had {len(COMMITTED)} bytes only" in near_misses(armed, ())
    wire.sends(COMMIT)
    longer = pg.complete("COMMIT and more") + pg.READY
    assert wire.answers(longer) == longer[: len(COMMITTED) + 1]
    assert wire.ended()
    assert wire.fired()[0].passed_bytes == len(COMMITTED) + 1


def test_a_cut_in_the_middle_of_a_large_message_passes_what_is_before_as_it_comes() -> None:
    bed = Bed()
    bed.arm(Cut(HEAD_MAX + 5000), "sent", "COPY")
    wire = started(bed)
    large = pg.query("COPY " + "x" * 3 * HEAD_MAX)
    assert wire.sends(large[:1000]) == b""  # too little is known of it
    assert wire.sends(large[1000 : HEAD_MAX + 100]) == large[: HEAD_MAX + 100]
    assert not wire.ended()
    assert wire.sends(large[HEAD_MAX + 100 :]) == large[HEAD_MAX + 100 : HEAD_MAX + 5000]
    assert wire.ended() == "closed"
    assert wire.fired()[0].passed_bytes == HEAD_MAX + 5000


def test_an_answer_is_cut_when_all_of_it_is_there() -> None:
    bed = Bed()
    bed.arm(Cut(3), "answered", "COMMIT")
    wire = started(bed)
    wire.sends(COMMIT)
    assert wire.answers(pg.complete("COMMIT")) == b""
    assert not wire.ended()
    assert wire.answers(pg.READY) == COMMITTED[:3]
    assert wire.ended() == "closed"
    (fired,) = wire.fired()
    assert (fired.message, fired.text, fired.passed_bytes) == ("CommandComplete", "  commit;", 3)


def test_a_single_message_of_an_answer_can_be_named() -> None:
    bed = Bed()
    bed.arm(Cut(), "answered", "COMMIT", message="ReadyForQuery")
    wire = started(bed)
    wire.sends(BEGIN, COMMIT)
    assert wire.answers(BEGUN, COMMITTED) == BEGUN + pg.complete("COMMIT")
    assert wire.ended() == "closed"


def test_a_cut_in_the_startup() -> None:
    bed = Bed()
    bed.arm(Cut(), "answered", message="ReadyForQuery", phase="startup")
    wire = bed.connect()
    wire.sends(pg.startup())
    assert wire.answers(pg.authentication(0), pg.PARAMETER, pg.READY) == pg.authentication(0) + pg.PARAMETER
    ended = wire.outlet.reports[-1].to_json()
    assert isinstance(ended, dict)
    assert (ended["kind"], ended["by"], ended["phase"]) == ("ended", "rule", "startup")


# ---------------------------------------------------------------------- which unit


def drop(bed: Bed, text: str = "", direction: Direction = "sent", **more: Any) -> None:
    bed.arm(Drop(), direction, text, **more)


def test_a_rule_works_once() -> None:
    bed = Bed()
    drop(bed, "INSERT")
    assert started(bed).sends(INSERT, INSERT) == INSERT


def test_or_always() -> None:
    bed = Bed()
    drop(bed, "INSERT", always=True)
    wire = started(bed)
    assert wire.sends(INSERT, BEGIN, INSERT) == BEGIN
    assert len(wire.fired()) == 2


def test_the_nth_is_counted_over_all_connections() -> None:
    bed = Bed()
    drop(bed, "INSERT", nth=3)
    one, two = started(bed), started(bed)
    assert one.sends(INSERT, BEGIN) == INSERT + BEGIN
    assert two.sends(INSERT) == INSERT
    assert one.sends(INSERT, INSERT) == INSERT


def test_connections_are_numbered_as_they_first_send_what_fits() -> None:
    bed = Bed()
    drop(bed, "INSERT", connection=2)
    one, two, three = started(bed), started(bed), started(bed)
    assert one.sends(BEGIN) == BEGIN
    assert three.sends(INSERT) == INSERT
    assert two.sends(INSERT, INSERT) == INSERT
    assert three.sends(INSERT) == INSERT


def test_for_answers_they_are_numbered_as_they_send_the_question() -> None:
    bed = Bed()
    drop(bed, "COMMIT", "answered", connection=1)
    one, two = started(bed), started(bed)
    one.sends(COMMIT)
    two.sends(COMMIT)
    assert two.answers(COMMITTED) == COMMITTED
    assert one.answers(COMMITTED) == b""


def test_one_rule_after_another() -> None:
    bed = Bed()
    drop(bed, "COMMIT", after="first")
    drop(bed, "INSERT", rule_id="first")
    wire = started(bed)
    assert wire.sends(COMMIT, INSERT, COMMIT, COMMIT) == COMMIT + COMMIT


def test_a_value_of_a_prepared_statement() -> None:
    bed = Bed()
    drop(bed, "INSERT", having=b"evt_2")
    wire = started(bed)
    prepare = pg.parse("s", "INSERT INTO t VALUES ($1)") + pg.SYNC
    one, two = (pg.bind("", "s", [value]) + pg.execute() + pg.SYNC for value in (b"evt_1", b"evt_2"))
    assert wire.sends(prepare, one, two) == prepare + one + two.replace(pg.execute(), b"")
    assert wire.fired()[0].message == "Execute"


def test_the_answer_to_a_statement_with_a_value() -> None:
    bed = Bed("redis")
    drop(bed, "SET", "answered", having=b"two")
    wire = redis_started(bed)
    wire.sends(b"SET k one\r\nSET k two\r\nGET k\r\n")
    assert wire.answers(b"+OK\r\n+NO\r\n$3\r\ntwo\r\n") == b"+OK\r\n$3\r\ntwo\r\n"


def test_the_rule_armed_first_has_the_unit_and_both_count_it() -> None:
    bed = Bed()
    drop(bed, "INSERT", rule_id="first")
    bed.arm(Cut(), "sent", "INSERT", nth=2, rule_id="second")
    wire = started(bed)
    assert wire.sends(INSERT) == b""
    assert wire.sends(INSERT) == b""
    assert [fired.rule for fired in wire.fired()] == ["first", "second"]


def test_another_connection_is_not_touched() -> None:
    bed = Bed()
    bed.arm(Stall(), "sent", "COMMIT")
    one, two = started(bed), started(bed)
    assert one.sends(COMMIT) == b""
    assert two.sends(BEGIN, COMMIT) == BEGIN + COMMIT
    assert two.answers(BEGUN, COMMITTED) == BEGUN + COMMITTED


def test_of_an_answer_that_has_begun_when_a_rule_is_armed_nothing_is_taken() -> None:
    bed = Bed()
    wire = started(bed)
    wire.sends(COMMIT)
    wire.answers(pg.complete("COMMIT")[:4])
    drop(bed, "COMMIT", "answered")
    assert wire.answers(pg.complete("COMMIT")[4:], pg.READY) == pg.complete("COMMIT")[4:] + pg.READY


def test_an_answer_that_the_service_wants_before_its_sync_is_complete_without_it() -> None:
    bed = Bed()
    rule = bed.arm(Hold(), "answered", "SELECT")
    wire = started(bed)
    wire.sends(pg.parse("s", "SELECT 7"), pg.describe("S", "s"), pg.FLUSH)
    described = pg.PARSED + pg.PARAMETERS + pg.ROWS
    assert wire.answers(described) == described  # nothing ran yet
    wire.sends(pg.bind("", "s"), pg.execute(), pg.FLUSH)
    assert wire.answers(pg.BOUND, pg.ROW) == b""
    assert wire.fired() == []
    assert wire.answers(pg.complete("SELECT 1")) == b""
    bed.release(rule)
    assert wire.taken("answered") == pg.BOUND + pg.ROW + pg.complete("SELECT 1")
    wire.sends(pg.SYNC)
    assert wire.answers(pg.READY) == pg.READY


def test_with_a_sync_it_is_complete_with_that() -> None:
    bed = Bed()
    rule = bed.arm(Hold(), "answered", "SELECT")
    wire = started(bed)
    wire.sends(pg.parse("s", "SELECT 7"), pg.FLUSH)
    wire.answers(pg.PARSED)
    wire.sends(pg.bind("", "s"), pg.execute(), pg.SYNC)
    wire.answers(pg.BOUND, pg.ROW, pg.complete("SELECT 1"))
    assert wire.fired() == []
    wire.answers(pg.READY)
    assert len(wire.fired()) == 1
    bed.release(rule)
    assert wire.taken("answered") == pg.BOUND + pg.ROW + pg.complete("SELECT 1") + pg.READY


def test_a_notice_within_an_answer_is_not_part_of_it() -> None:
    bed = Bed()
    drop(bed, "COMMIT", "answered")
    wire = started(bed)
    wire.sends(COMMIT)
    assert wire.answers(pg.NOTICE, pg.complete("COMMIT"), pg.NOTICE, pg.READY, pg.NOTICE) == pg.NOTICE * 3


# ---------------------------------------------------------------------- holding


def test_a_hold_keeps_its_direction_only() -> None:
    bed = Bed()
    rule = bed.arm(Hold(), "answered", "INSERT")
    wire = started(bed)
    wire.sends(INSERT)
    assert wire.answers(INSERTED) == b""
    assert wire.sends(COMMIT) == COMMIT
    assert wire.answers(COMMITTED) == b""
    bed.release(rule)
    assert wire.taken("answered") == INSERTED + COMMITTED
    assert [type(report).__name__ for report in wire.outlet.reports] == ["Fired", "Passed"]


def test_a_stall_keeps_both() -> None:
    bed = Bed()
    rule = bed.arm(Stall(), "sent", "INSERT")
    wire = started(bed)
    assert wire.sends(BEGIN, INSERT, COMMIT) == BEGIN
    assert wire.answers(BEGUN) == b""
    bed.release(rule)
    assert wire.taken("sent") == INSERT + COMMIT
    assert wire.taken("answered") == BEGUN


def test_what_waits_behind_is_judged_when_its_turn_comes() -> None:
    bed = Bed()
    rule = bed.arm(Hold(), "sent", "", always=True)
    wire = started(bed)
    assert wire.sends(BEGIN, INSERT, COMMIT) == b""
    for expected in (BEGIN, INSERT, COMMIT):
        armed = bed.book.get(rule)
        assert armed is not None
        assert len(armed.holds) == 1
        armed.holds[0].release()
        assert wire.taken("sent") == expected
    assert [fired.text for fired in wire.fired()] == ["BEGIN", "INSERT INTO t VALUES (1)", "  commit;"]


def test_a_delay_releases_itself() -> None:
    bed = Bed()
    bed.arm(Delay(5), "sent", "INSERT")
    wire = started(bed)
    assert wire.sends(INSERT) == b""
    wire.outlet.timers[0]()
    assert wire.taken("sent") == INSERT


def test_a_large_message_that_is_held_passes_as_a_whole() -> None:
    bed = Bed()
    rule = bed.arm(Hold(), "sent", "COPY")
    wire = started(bed)
    large = pg.query("COPY " + "x" * 3 * HEAD_MAX)
    assert wire.sends(large[: HEAD_MAX + 1]) == b""
    bed.release(rule)
    assert wire.taken("sent") == large[: HEAD_MAX + 1]
    assert wire.sends(large[HEAD_MAX + 1 :], BEGIN) == large[HEAD_MAX + 1 :] + BEGIN


def test_a_late_answer_meets_the_next_question() -> None:
    bed = Bed("redis")
    bed.arm(Late(), "answered", "GET a")
    wire = redis_started(bed)
    wire.sends(b"GET a\r\n")
    assert wire.answers(b"+one\r\n") == b""
    assert wire.sends(b"GET b\r\n") == b"GET b\r\n"
    assert wire.taken("answered") == b"+one\r\n"
    assert wire.answers(b"+two\r\n") == b"+two\r\n"


def test_two_holds_on_one_direction() -> None:
    bed = Bed()
    hold = bed.arm(Hold(), "answered", "INSERT")
    stall = bed.arm(Stall(), "sent", "COMMIT")
    wire = started(bed)
    wire.sends(INSERT)
    wire.answers(INSERTED)
    assert wire.sends(COMMIT) == b""
    bed.release(hold)
    assert wire.taken("answered") == b""
    bed.release(stall)
    assert (wire.taken("sent"), wire.taken("answered")) == (COMMIT, INSERTED)


def test_the_end_of_a_direction_waits_behind_what_is_held() -> None:
    bed = Bed()
    rule = bed.arm(Hold(), "sent", "INSERT")
    wire = started(bed)
    wire.sends(INSERT)
    wire.engine.finish("sent")
    assert wire.outlet.finished == []
    bed.release(rule)
    assert wire.taken("sent") == INSERT
    assert wire.outlet.finished == ["sent"]


def test_when_a_connection_is_lost_nothing_of_it_is_held_any_more() -> None:
    bed = Bed()
    rule = bed.arm(Hold(), "sent", "INSERT")
    wire = started(bed)
    wire.sends(INSERT)
    wire.engine.lost("reset by service")
    armed = bed.book.get(rule)
    assert armed is not None
    assert armed.holds == []
    assert not any(isinstance(report, Passed) for report in wire.outlet.reports)


# ---------------------------------------------------------------------- vanishing, doubling, spoiling


def test_drop_and_close() -> None:
    bed = Bed()
    bed.arm(DropAndClose(), "answered", "COMMIT")
    wire = started(bed)
    wire.sends(COMMIT)
    assert wire.answers(pg.complete("COMMIT")) == b""
    assert not wire.ended()
    assert wire.answers(pg.READY) == b""
    assert wire.ended() == "closed"


def test_an_answer_after_a_dropped_question_is_the_next_ones() -> None:
    bed = Bed("redis")
    drop(bed, "GET a")
    wire = redis_started(bed)
    assert wire.sends(b"GET a\r\nGET b\r\n") == b"GET b\r\n"
    wire.answers(b"+two\r\n")
    (seen,) = [seen for seen in bed.sightings.statements(0) if seen.ends_answer]
    assert seen.text == "GET b"


def test_duplicate() -> None:
    bed = Bed()
    bed.arm(Duplicate(), "answered", "INSERT")
    wire = started(bed)
    wire.sends(INSERT)
    assert wire.answers(INSERTED, pg.NOTICE) == INSERTED * 2 + pg.NOTICE


@pytest.mark.parametrize("at", [0, 7, len(INSERT) - 1])
def test_corrupt(at: int) -> None:
    bed = Bed()
    bed.arm(Corrupt(at), "sent", "INSERT")
    wire = started(bed)
    expected = bytearray(INSERT)
    expected[at] ^= 1
    assert wire.sends(BEGIN, INSERT, INSERT) == BEGIN + expected + INSERT


def test_a_unit_that_is_too_short_to_be_spoilt_passes_and_the_rule_stays() -> None:
    bed = Bed()
    bed.arm(Corrupt(len(INSERT)), "sent", "INSERT")
    wire = started(bed)
    assert wire.sends(INSERT) == INSERT
    assert wire.fired() == []
    longer = pg.query("INSERT INTO t VALUES (11)")
    assert wire.sends(longer) != longer
    assert len(wire.fired()) == 1


# ---------------------------------------------------------------------- out of force


def test_disarming_lets_go_of_an_answer_that_is_half_there() -> None:
    bed = Bed()
    rule = bed.arm(Cut(), "answered", "COMMIT")
    wire = started(bed)
    wire.sends(COMMIT)
    wire.answers(pg.complete("COMMIT")[:9])
    armed = bed.book.disarm(rule)
    assert armed is not None
    wire.engine.disarmed(armed)
    assert wire.taken("answered") + wire.answers(pg.complete("COMMIT")[9:], pg.READY) == COMMITTED
    assert wire.fired() == []


def test_an_answer_that_never_ends_passes_with_the_end_and_the_rule_is_in_force_again() -> None:
    bed = Bed()
    bed.arm(Drop(), "answered", "COMMIT", nth=1)
    one, two = started(bed), started(bed)
    one.sends(COMMIT)
    assert one.answers(pg.complete("COMMIT")) == b""
    one.engine.finish("answered")
    assert one.taken("answered") == pg.complete("COMMIT")
    assert one.fired() == []
    two.sends(COMMIT)
    assert two.answers(COMMITTED) == b""


def test_a_rule_that_waits_for_the_rest_of_a_message_is_in_force_again_when_that_will_not_come() -> None:
    bed = Bed()
    bed.arm(Cut(HEAD_MAX + 5000), "sent", "COPY")
    large = pg.query("COPY " + "x" * 3 * HEAD_MAX)
    one, two = started(bed), started(bed)
    one.sends(large[: HEAD_MAX + 100])
    one.engine.lost("reset by service")
    assert one.fired() == []
    assert two.sends(large) == large[: HEAD_MAX + 5000]


def test_a_cut_in_the_middle_of_a_large_message_has_worked_once() -> None:
    bed = Bed()
    bed.arm(Cut(HEAD_MAX), "sent", "COPY")
    large = pg.query("COPY " + "x" * 3 * HEAD_MAX)
    one, two = started(bed), started(bed)
    assert one.sends(large[: HEAD_MAX + 100]) == large[:HEAD_MAX]
    assert two.sends(large) == large


def test_a_message_that_no_rule_can_concern_is_not_withheld_for_long() -> None:
    bed = Bed()
    bed.arm(Cut(), "sent", "COMMIT")
    wire = started(bed)
    large = pg.query("COPY " + "x" * (1 << 22))
    assert wire.sends(large[: HEAD_MAX + 1]) == large[: HEAD_MAX + 1]
    for begin in range(HEAD_MAX + 1, len(large), 100_000):
        assert wire.sends(large[begin : begin + 100_000]) == large[begin : begin + 100_000]


def test_of_statements_that_are_all_different_only_the_latest_are_remembered() -> None:
    bed = Bed()
    wire = started(bed)
    for number in range(200):
        wire.sends(pg.query(f"SELECT {number} {'x' * 60_000}"))
    texts = [sight.text for sight in bed.book.sights() if sight.text]
    assert 50 <= len(texts) <= 70
    assert texts[-1].startswith("SELECT 199 ")
    for number in range(9000):
        wire.sends(pg.query(f"SELECT {number}"))
    assert 3000 < sum(1 for sight in bed.book.sights() if sight.direction == "sent") <= 4096
