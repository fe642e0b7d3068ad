"""Rules on a TCP connection: the engine alone, fed by hand."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.protocols.contract.frames import Direction
from harness.relay import (
    Action,
    Corrupt,
    Cut,
    Delay,
    DropAndClose,
    Duplicate,
    Fail,
    Hold,
    Late,
    Reset,
    Stall,
    check_action,
)
from harness.relay.rules.near_misses import near_misses
from tests.relay.engines import Bed, Wire


@pytest.fixture
def bed() -> Bed:
    return Bed("tcp")


def say(wire: Wire, direction: Direction, *parts: bytes) -> bytes:
    return b"".join((wire.sends if direction == "sent" else wire.answers)(part) for part in parts)


@pytest.mark.parametrize("direction", ["sent", "answered"])
@pytest.mark.parametrize(("action", "ended"), [(Cut(5), "closed"), (Reset(5), "reset")])
def test_a_stream_is_cut_after_so_many_bytes(bed: Bed, direction: Direction, action: Action, ended: str) -> None:
    bed.arm(action, direction, message="Stream")
    wire = bed.connect()
    assert say(wire, direction, b"abc", b"defg") == b"abcde"
    assert wire.ended() == ended
    (fired,) = wire.fired()
    assert (fired.message, fired.text, fired.passed_bytes, fired.connection) == ("Stream", "", 5, 1)


@pytest.mark.parametrize("direction", ["sent", "answered"])
def test_bytes_are_counted_from_when_the_rule_is_armed(bed: Bed, direction: Direction) -> None:
    wire = bed.connect()
    assert say(wire, direction, b"before", b"it") == b"beforeit"
    bed.arm(Cut(2), direction, message="Stream")
    assert say(wire, direction, b"a", b"bc") == b"ab"
    assert wire.ended() == "closed"
    assert wire.fired()[0].offset == 8


def test_a_rule_that_was_armed_after_another_was_disarmed_meets_what_comes(bed: Bed) -> None:
    first = bed.arm(Cut(100), "sent", message="Stream", connection=2)
    wire = bed.connect()
    assert say(wire, "sent", b"abc") == b"abc"
    bed.book.disarm(first)
    assert say(wire, "sent", b"de") == b"de"
    bed.arm(Cut(1), "sent", message="Stream")
    assert say(wire, "sent", b"fgh") == b"f"


def test_a_stream_that_has_fewer_bytes_is_not_cut(bed: Bed) -> None:
    armed = bed.book.get(bed.arm(Cut(5), "sent", message="Stream"))
    assert armed is not None
    wire = bed.connect()
    say(wire, "sent", b"abc")
    assert near_misses(armed, bed.book.sights()) == ["what fits is under way, and only 3 bytes of it have come"]
    wire.engine.finish("sent")
    assert (wire.ended(), wire.fired()) == ("", [])
    assert "it had 3 bytes when its connection ended" in near_misses(armed, bed.book.sights())[0]
    assert say(bed.connect(), "sent", b"abcdefgh") == b"abcde"  # the next one is


def test_the_second_connection_can_be_named(bed: Bed) -> None:
    bed.arm(Cut(2), "answered", message="Stream", connection=2)
    first, second = bed.connect(), bed.connect()
    assert say(first, "answered", b"abc") == b"abc"
    assert say(second, "answered", b"abc") == b"ab"


@pytest.mark.parametrize("action", [Hold(), Delay(100), Stall()])
def test_a_stream_waits(bed: Bed, action: Action) -> None:
    rule = bed.arm(action, "answered", message="Stream")
    wire = bed.connect()
    assert say(wire, "answered", b"abc", b"de") == b""
    bed.release(rule)
    assert wire.taken("answered") == b"abcde"
    assert say(wire, "answered", b"f") == b"f"


def test_a_bit_of_a_byte_is_turned(bed: Bed) -> None:
    bed.arm(Corrupt(4), "sent", message="Stream")
    assert say(bed.connect(), "sent", b"aaa", b"aaa") == b"aaaa`a"


def test_nothing_can_be_answered_with_an_error() -> None:
    with pytest.raises(UsageError, match=r"plain TCP has no messages.*\n.*cut or reset"):
        check_action("wire.fail", Fail("503"), None, "tcp")


@pytest.mark.parametrize("action", [Cut(after=True), Duplicate(), DropAndClose(), Late()])
def test_what_waits_for_the_end_of_a_stream_is_refused(action: Action) -> None:
    with pytest.raises(UsageError, match="a Stream ends only with its connection"):
        check_action(action.place, action, "Stream", "tcp")
    check_action(action.place, action, "Response", "http")
