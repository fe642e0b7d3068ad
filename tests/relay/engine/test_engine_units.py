"""Which unit a rule takes, and what belongs to one: the engine alone, fed by hand."""

from __future__ import annotations

from harness.protocols.contract.frames import HEAD_MAX
from harness.relay import Cut, Hold, Stall
from tests.protocols.postgres import words as pg
from tests.relay.engines import BEGIN, BEGUN, COMMIT, COMMITTED, INSERT, INSERTED, Bed, drop, redis_started, started


def test_a_rule_works_once() -> None:
    bed = Bed()
    drop(bed, "INSERT")
    assert started(bed).sends(INSERT, INSERT) == INSERT


def test_a_rule_that_always_works_works_each_time() -> None:
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
    assert wire.sends(COMMIT) == COMMIT
    assert wire.sends(INSERT, COMMIT, COMMIT) == COMMIT


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


def test_a_rule_that_waits_for_another_of_them_leaves_this_one_to_the_next_rule() -> None:
    bed = Bed()
    bed.arm(Cut(), "sent", "INSERT", nth=2, rule_id="first")
    drop(bed, "INSERT", rule_id="second")
    wire = started(bed)
    assert wire.sends(INSERT) == b""
    assert [fired.rule for fired in wire.fired()] == ["second"]


def test_a_rule_for_what_is_sent_does_not_count_its_answer() -> None:
    bed = Bed()
    drop(bed, "INSERT", nth=2)
    drop(bed, "INSERT", "answered", nth=9, rule_id="of an answer")
    wire = started(bed)
    wire.sends(INSERT)
    assert wire.answers(INSERTED) == INSERTED
    assert wire.sends(INSERT) == b""


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


def test_an_answer_whose_sync_was_sent_is_complete_with_the_servers_ready() -> None:
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


def test_a_message_that_no_rule_can_concern_is_not_withheld_for_long() -> None:
    bed = Bed()
    bed.arm(Cut(), "sent", "COMMIT")
    wire = started(bed)
    large = pg.query("COPY " + "x" * (1 << 22))
    assert wire.sends(large[: HEAD_MAX + 1]) == large[: HEAD_MAX + 1]
    for begin in range(HEAD_MAX + 1, len(large), 100_000):
        assert wire.sends(large[begin : begin + 100_000]) == large[begin : begin + 100_000]
