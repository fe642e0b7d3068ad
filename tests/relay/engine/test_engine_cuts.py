"""A connection cut, or reset, at a message: the engine alone, fed by hand."""

from __future__ import annotations

import pytest

from harness.protocols.contract.frames import HEAD_MAX
from harness.relay import Action, Cut, Reset
from harness.relay.rules.near_misses import near_misses
from tests.protocols.postgres import words as pg
from tests.relay.engines import BEGIN, BEGUN, COMMIT, COMMITTED, INSERT, Bed, started


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


@pytest.mark.parametrize(
    ("cut", "passed"),
    [(Cut(0), 0), (Cut(1), 1), (Cut(len(COMMIT)), len(COMMIT)), (Cut(after=True), len(COMMIT))],
)
def test_a_cut_passes_on_the_bytes_that_it_is_told_to(cut: Cut, passed: int) -> None:
    bed = Bed()
    bed.arm(cut, "sent", "COMMIT")
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
