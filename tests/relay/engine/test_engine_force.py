"""Rules that are taken out of force, or put back into it: the engine alone, fed by hand."""

from __future__ import annotations

from harness.protocols.contract.frames import HEAD_MAX
from harness.relay import Cut, Drop
from tests.protocols.postgres import words as pg
from tests.relay.engines import COMMIT, COMMITTED, Bed, started


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
