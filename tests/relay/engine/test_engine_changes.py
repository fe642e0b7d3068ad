"""Units that vanish, come twice or come with another bit: the engine alone, fed by hand."""

from __future__ import annotations

import pytest

from harness.relay import Corrupt, DropAndClose, Duplicate
from tests.protocols.postgres import words as pg
from tests.relay.engines import BEGIN, COMMIT, INSERT, INSERTED, Bed, drop, redis_started, started


def test_drop_and_close() -> None:
    bed = Bed()
    bed.arm(DropAndClose(), "answered", "COMMIT")
    wire = started(bed)
    wire.sends(COMMIT)
    assert wire.answers(pg.complete("COMMIT")) == b""
    assert not wire.ended()
    assert wire.answers(pg.READY) == b""
    assert wire.ended() == "closed"


def test_drop_and_close_of_an_answer_that_is_one_message() -> None:
    bed = Bed("redis")
    bed.arm(DropAndClose(), "answered", "GET a")
    wire = redis_started(bed)
    wire.sends(b"GET a\r\n")
    assert wire.answers(b"$3\r\none") == b""
    assert not wire.ended()
    assert wire.answers(b"\r\n") == b""
    assert (wire.ended(), len(wire.fired())) == ("closed", 1)


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
