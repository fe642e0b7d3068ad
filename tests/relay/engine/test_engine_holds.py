"""What waits, until when, and what waits behind it: the engine alone, fed by hand."""

from __future__ import annotations

from harness.protocols.contract.frames import HEAD_MAX
from harness.relay import Delay, Hold, Late, Passed, Stall
from tests.protocols.postgres import words as pg
from tests.relay.engines import BEGIN, BEGUN, COMMIT, COMMITTED, INSERT, INSERTED, Bed, redis_started, started


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
