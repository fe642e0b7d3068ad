"""Whatever is fed, however it is split: what no rule names comes out byte for byte, in order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.protocols.contract.frames import HEAD_MAX, Direction
from harness.relay import Cut, Delay, Drop, Fail, Hold, Stall
from tests.protocols.postgres import words as pg
from tests.protocols.reading import CUTS, chunks_of
from tests.relay.engines import Bed, Wire

BIG = pg.query("SELECT '" + "x" * (HEAD_MAX + 300) + "'")
TALKS: dict[str, tuple[bytes, bytes]] = {
    "postgres": (
        b"".join([
            pg.SSL_REQUEST, pg.startup(), pg.query("BEGIN"), pg.parse("s", "INSERT INTO t VALUES ($1)"), pg.SYNC,
            pg.bind("", "s", [b"one"]), pg.execute(), pg.SYNC, BIG, pg.query("COMMIT"), pg.TERMINATE,
        ]),
        b"".join([
            b"N", pg.OK, pg.complete("BEGIN"), pg.READY, pg.PARSED, pg.READY, pg.BOUND, pg.NOTICE,
            pg.complete("INSERT"), pg.READY, pg.ROWS, pg.typed(b"D", b"y" * (HEAD_MAX + 9)), pg.complete("SELECT"),
            pg.READY, pg.complete("COMMIT"), pg.READY,
        ]),
    ),
    "redis": (
        b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na\nb\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
        b"%1\r\n$5\r\nproto\r\n:3\r\n+PONG\r\n>2\r\n+invalidate\r\n_\r\n+OK\r\n$3\r\na\nb\r\n",
    ),
}  # fmt: skip
UNMET = ("UPDATE", "GETSET", "COMMITS")


def arm_what_matches_nothing(bed: Bed) -> None:
    for number, text in enumerate(UNMET):
        for direction in ("sent", "answered"):
            bed.arm(Cut(), direction, text, rule_id=f"{direction}{number}")
            bed.arm(Hold(), direction, text, message="Query", rule_id=f"{direction}{number}m", always=True)


def converse(wire: Wire, sent: list[bytes], answered: list[bytes], seed: int) -> None:
    """Feed both streams, mixed at random, and end them."""
    rest: dict[Direction, list[bytes]] = {"sent": list(sent), "answered": list(answered)}
    order = random.Random(seed)  # noqa: S311 - an order to try, no secret
    while any(rest.values()):
        direction: Direction = order.choice([each for each in ("sent", "answered") if rest[each]])
        wire.engine.feed(direction, rest[direction].pop(0))
    wire.engine.finish("sent")
    wire.engine.finish("answered")


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize("protocol", ["postgres", "redis"])
@settings(max_examples=40, deadline=None)
@given(CUTS, CUTS, st.integers(0, 1 << 20))
def test_what_no_rule_names_passes_unchanged(
    protocol: str, ruled: bool, sent_cuts: list[int], answered_cuts: list[int], seed: int
) -> None:
    bed = Bed(protocol)
    if ruled:
        arm_what_matches_nothing(bed)
    wire = bed.connect()
    sent, answered = TALKS[protocol]
    converse(wire, list(chunks_of(sent, sent_cuts)), list(chunks_of(answered, answered_cuts)), seed)
    assert wire.taken("sent") == sent
    assert wire.taken("answered") == answered
    assert wire.outlet.finished == ["sent", "answered"]
    assert wire.fired() == []


@pytest.mark.parametrize("ruled", [False, True])
@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.binary(max_size=400), CUTS, st.integers(0, 1 << 20), st.sampled_from(list(TALKS)))
def test_garbage_passes_unchanged(
    ruled: bool, sent: bytes, answered: bytes, cuts: list[int], seed: int, protocol: str
) -> None:
    bed = Bed(protocol)
    if ruled:
        arm_what_matches_nothing(bed)
    wire = bed.connect()
    converse(wire, list(chunks_of(sent, cuts)), list(chunks_of(answered, cuts)), seed)
    assert wire.taken("sent") == sent
    assert wire.taken("answered") == answered


def test_with_no_rule_in_force_a_read_is_a_write() -> None:
    wire = Bed().connect()
    sent = TALKS["postgres"][0]
    chunks = list(chunks_of(sent, range(1, len(sent), 977)))
    for chunk in chunks:
        wire.engine.feed("sent", chunk)
    assert [data for _, data in wire.outlet.writes] == chunks


@pytest.mark.parametrize("action", [Hold(), Delay(1), Stall()])
@settings(max_examples=40, deadline=None)
@given(CUTS, CUTS, st.integers(0, 1 << 20))
def test_what_is_held_passes_unchanged_when_it_is_released(
    action: Hold | Delay | Stall, sent_cuts: list[int], answered_cuts: list[int], seed: int
) -> None:
    bed = Bed()
    bed.arm(action, "sent", "SELECT", rule_id="sent")
    bed.arm(action, "answered", "COMMIT", rule_id="answered")
    wire = bed.connect()
    sent, answered = TALKS["postgres"]
    converse(wire, list(chunks_of(sent, sent_cuts)), list(chunks_of(answered, answered_cuts)), seed)
    held = wire.taken("sent")
    assert sent.startswith(held)
    assert BIG not in held
    for _ in range(3):
        bed.release("sent")
        bed.release("answered")
    assert held + wire.taken("sent") == sent
    assert wire.taken("answered") == answered
    assert sorted(wire.outlet.finished) == ["answered", "sent"]


@settings(max_examples=40, deadline=None)
@given(CUTS, CUTS)
def test_of_what_is_dropped_nothing_passes_and_of_the_rest_all(sent_cuts: list[int], answered_cuts: list[int]) -> None:
    bed = Bed()
    bed.arm(Drop(), "sent", "SELECT")
    bed.arm(Drop(), "answered", message="NoticeResponse")
    wire = bed.connect()
    sent, answered = TALKS["postgres"]
    assert b"".join(wire.sends(chunk) for chunk in chunks_of(sent, sent_cuts)) == sent.replace(BIG, b"")
    passed = b"".join(wire.answers(chunk) for chunk in chunks_of(answered, answered_cuts))
    assert passed == answered.replace(pg.NOTICE, b"")
    assert len(wire.fired()) == 2


@settings(max_examples=40, deadline=None)
@given(CUTS, st.integers(0, 1 << 20))
def test_a_command_that_fails_is_answered_in_its_place(cuts: list[int], seed: int) -> None:
    bed = Bed("redis")
    bed.arm(Fail("OOM", "full"), "sent", "SET")
    wire = bed.connect()
    sent, answered = TALKS["redis"]
    command = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na\nb\r\n"
    for chunk in chunks_of(sent, cuts):
        wire.engine.feed("sent", chunk)
    server = answered.replace(b"+OK\r\n", b"")  # it never sees the command
    for chunk in chunks_of(server, [seed, *cuts]):
        wire.engine.feed("answered", chunk)
    assert wire.taken("sent") == sent.replace(command, b"")
    assert wire.taken("answered") == answered.replace(b"+OK\r\n", b"-OOM full\r\n").replace(
        b">2\r\n+invalidate\r\n_\r\n-OOM full\r\n", b"-OOM full\r\n>2\r\n+invalidate\r\n_\r\n"
    )
