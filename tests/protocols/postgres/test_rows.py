"""Rows by the run: what is counted and noted is what it would be row by row."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.protocols.contract.frames import HEAD_MAX, Direction
from harness.protocols.contract.speech import conversation
from harness.relay import Drop
from tests.protocols.postgres import words as pg
from tests.protocols.reading import CUTS, chunks_of, read
from tests.relay.engines import Bed, Wire

LARGE = pg.typed(b"D", b"y" * (HEAD_MAX + 9))
BAD = b"D\0\0\0\3"
PIECES = [pg.ROW, pg.ROW * 3, pg.COPY_DATA * 2, LARGE, pg.typed(b"D"), pg.NOTICE, pg.complete("SELECT 1"), pg.READY]
STREAMS = st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join)
ENDS = st.sampled_from([b"", BAD, pg.ROW[:3], LARGE[:500]])


def started() -> tuple[Bed, Wire]:
    bed = Bed()
    wire = bed.connect()
    wire.sends(pg.startup())
    wire.answers(pg.OK)
    return bed, wire


def counted(bed: Bed) -> dict[tuple[str, str, str, str], int]:
    return {(each.direction, each.name, each.phase, each.text): each.count for each in bed.book.sights()}


@settings(max_examples=80, deadline=None)
@given(STREAMS, ENDS, CUTS)
def test_watching_finds_every_message_where_feeding_finds_it(stream: bytes, end: bytes, cuts: list[int]) -> None:
    chunks = list(chunks_of(stream + end, cuts))
    fed, watched = (conversation("postgres").framers["answered"] for _ in range(2))
    for framer in (fed, watched):
        read(framer, [pg.authentication(0)])
    spans = [span for chunk in chunks for span in watched.watch(chunk)]
    assert sum(span.end - span.begin for span in spans) == len(stream + end)
    frames = {span.frame.offset: span.frame for span in spans}
    expected = read(fed, chunks)
    assert Counter(each.name for each in expected) == sum(
        (Counter({frame.name: 1 + frame.more}) for frame in frames.values()), Counter()
    )
    at = {each.offset: (each.name, each.length, each.complete) for each in expected}
    assert {offset: (each.name, each.length, each.complete) for offset, each in frames.items()}.items() <= at.items()


@settings(max_examples=60, deadline=None)
@given(STREAMS, CUTS)
def test_what_is_noted_is_the_same(answers: bytes, cuts: list[int]) -> None:
    (one, by_the_run), (other, row_by_row) = started(), started()
    other.sightings.begin()  # a recording has every message
    for wire in (by_the_run, row_by_row):
        wire.sends(pg.query("SELECT 1"), pg.query("COPY t TO STDOUT"))
        for chunk in chunks_of(answers, cuts):
            assert wire.answers(chunk) == chunk
    assert counted(one) == counted(other)
    shown = [
        [(each.message, each.text, each.offset, each.length) for each in bed.sightings.statements(0)]
        for bed in (one, other)
    ]
    assert shown[0] == shown[1]


def test_a_recording_has_every_row() -> None:
    bed, wire = started()
    bed.sightings.begin()
    wire.sends(pg.query("SELECT 1"))
    wire.answers(pg.ROWS, pg.ROW * 3, pg.READY)
    assert [each.message for each in bed.sightings.recorded()][-4:] == ["DataRow"] * 3 + ["ReadyForQuery"]


def test_rows_come_one_by_one_where_a_rule_concerns_them() -> None:
    rows: list[tuple[Direction, str, bytes, bytes]] = [
        ("answered", "DataRow", pg.query("SELECT 1"), pg.ROW),
        ("sent", "CopyData", pg.query("COPY t FROM STDIN"), pg.COPY_DATA),
    ]
    for direction, name, question, row in rows:
        bed, wire = started()
        wire.sends(question)
        if direction == "sent":
            wire.answers(pg.COPY_IN)
        feed = wire.sends if direction == "sent" else wire.answers
        assert feed(row * 3) == row * 3
        bed.arm(Drop(), direction, message=name, nth=2)
        assert feed(row + row[:-1] + b"!" + row) == row + row


def test_rows_that_are_sent_at_once_are_counted_too() -> None:
    bed, wire = started()
    wire.sends(pg.query("COPY t FROM STDIN"))
    wire.answers(pg.COPY_IN)
    wire.sends(pg.COPY_DATA * 3 + pg.COPY_DONE)
    sent = {name: count for (way, name, *_), count in counted(bed).items() if way == "sent"}
    assert sent == {"StartupMessage": 1, "Query": 1, "CopyData": 3, "CopyDone": 1}
