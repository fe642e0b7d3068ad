"""What a hop keeps of what passed: enough to tell of it, and little of it."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.errors import HarnessError
from harness.protocols.contract.frames import HEAD_MAX
from harness.relay import STATEMENTS_MAX
from harness.relay.rules import sightings
from harness.relay.rules.sightings import GROWING_MAX
from tests.protocols.postgres import words as pg
from tests.relay.engines import Bed, Wire

MIB = 1 << 20
VALUE = b"x" * 60_000


@contextmanager
def keeping_at_most(mebibytes: float) -> Iterator[None]:
    """Measure what is allocated within and still there at the end."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield
        gc.collect()  # a connection's objects point at each other
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept < mebibytes * MIB


def carries(wire: Wire, sent: bytes, answered: bytes) -> None:
    """Have an exchange, and forget it on this side."""
    wire.sends(sent)
    wire.answers(answered)
    wire.outlet.writes.clear()


def started(bed: Bed) -> Wire:
    wire = bed.connect()
    carries(wire, pg.startup(), pg.OK)
    return wire


def test_the_parameters_of_many_statements_are_not_kept() -> None:
    bed = Bed()
    wire = started(bed)
    carries(wire, pg.parse("s", "INSERT INTO t VALUES ($1)") + pg.SYNC, pg.PARSED + pg.READY)
    with keeping_at_most(3):
        for number in range(5000):
            value = number.to_bytes(4, "big") + VALUE  # each of its own
            carries(
                wire, pg.bind("", "s", [value]) + pg.execute() + pg.SYNC,
                pg.BOUND + pg.complete("INSERT 0 1") + pg.READY,
            )  # fmt: skip
    seen = list(bed.sightings.statements(0))
    assert len(seen) == STATEMENTS_MAX
    assert {(each.message, each.text) for each in seen} == {
        ("Execute", "INSERT INTO t VALUES ($1)"),
        ("ReadyForQuery", "INSERT INTO t VALUES ($1)"),
    }


def test_the_parameters_of_many_statements_in_one_exchange_are_not_kept_once_answered() -> None:
    wire = started(Bed())
    carries(wire, pg.parse("s", "INSERT INTO t VALUES ($1)"), pg.PARSED)
    with keeping_at_most(3):
        for number in range(500):
            value = number.to_bytes(4, "big") + VALUE
            carries(wire, pg.bind("", "s", [value]) + pg.execute(), pg.BOUND + pg.complete("INSERT 0 1"))


def test_the_values_of_redis_commands_with_small_answers_are_not_kept() -> None:
    bed = Bed("redis")
    wire = bed.connect()
    with keeping_at_most(12):  # the texts of the commands, cut to 2,000 characters, here and in the rules' tables
        for number in range(1000):
            value = b"%08d" % number + VALUE
            carries(wire, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%b\r\n" % (len(value), value), b"+OK\r\n")


@pytest.mark.parametrize(("letter", "kept"), [("x", 2000), ("é", 2000), ("к", 1000), ("😀", 500)])
def test_of_a_long_text_the_beginning_is_kept(letter: str, kept: int) -> None:
    bed = Bed()
    sql = "-" + letter * 10_000
    carries(started(bed), pg.query(sql), pg.complete("SELECT 1") + pg.READY)
    assert [each.text for each in bed.sightings.statements(0)] == [sql[:kept]] * 2


def test_a_message_that_comes_in_pieces_is_told_with_all_its_bytes() -> None:
    bed = Bed()
    wire = started(bed)
    large = pg.query("SELECT " + "x" * 3 * HEAD_MAX)
    wire.sends(large[: 2 * HEAD_MAX])
    assert [(each.length, len(each.text)) for each in bed.sightings.statements(0)] == [(2 * HEAD_MAX, 2000)]
    wire.sends(large[2 * HEAD_MAX :])
    assert [each.length for each in bed.sightings.statements(0)] == [len(large)]


def test_messages_that_never_end_are_not_kept() -> None:
    bed = Bed()
    part = pg.query("SELECT " + "x" * 3 * HEAD_MAX)[: 2 * HEAD_MAX]
    with keeping_at_most(2 * GROWING_MAX * HEAD_MAX / MIB):
        for _ in range(8 * GROWING_MAX):
            wire = started(bed)
            wire.sends(part)
            wire.engine.lost("reset by service")


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


def test_the_texts_of_a_recording_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sightings, "RECORDED_BYTES_MAX", 4 * MIB)
    bed = Bed()
    wire = started(bed)

    def record(messages: int) -> int:
        bed.sightings.begin()
        for number in range(messages):  # each has 60 kB as bytes, and once more as its text
            wire.sends(pg.query(f"SELECT {number} {VALUE.decode()}"))
        return len(list(bed.sightings.recorded()))

    assert record(25) == 25
    for _ in range(2):  # and anew in each
        with pytest.raises(HarnessError, match="more to record"):
            record(40)


def test_a_text_that_many_messages_share_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sightings, "RECORDED_BYTES_MAX", MIB)
    bed = Bed()
    wire = started(bed)
    wire.sends(pg.parse("s", f"SELECT $1 {VALUE.decode()}"))
    bed.sightings.begin()
    for _ in range(300):
        wire.sends(pg.bind("", "s", [b"x"]) + pg.execute())
    recorded = list(bed.sightings.recorded())
    assert len(recorded) == 600
    assert {len(each.text) for each in recorded} == {len(VALUE) + 10}
