"""What a rule does does not depend on the reads in which a message arrives: the engine alone, fed by hand."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from harness.protocols.contract.frames import Direction
from harness.relay import Action, Corrupt, Cut, Delay, Drop, DropAndClose, Duplicate, Fail, Hold, Late, Reset, Stall
from tests.protocols.postgres import words as pg
from tests.relay.engines import BEGIN, BEGUN, COMMIT, Bed, Wire, started

EVERYWHERE: list[Action] = [
    Cut(), Cut(3), Cut(after=True), Reset(3), Stall(), Hold(), Delay(1), Drop(), DropAndClose(), Duplicate(),
    Corrupt(6),
]  # fmt: skip
ARMED: list[tuple[Direction, Action]] = [
    *(("answered", each) for each in (*EVERYWHERE, Late())),
    *(("sent", each) for each in (*EVERYWHERE, Fail("40001"))),
]
SAID = {
    "postgres": (COMMIT, pg.complete("COMMIT") + pg.NOTICE + pg.READY),
    "redis": (b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", b"$12\r\nhello\r\nhello\r\n"),
}


class Seen(NamedTuple):
    """All that both sides and the harness see: before what is held is released, and then."""

    server: bytes
    service: bytes
    ended: str
    told: list[tuple[str, str, int, int]]
    released: tuple[bytes, bytes]


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def connected(bed: Bed) -> Wire:
    if bed.protocol == "redis":
        return bed.connect()
    wire = started(bed)
    wire.sends(BEGIN)
    wire.answers(BEGUN)
    return wire


def seen(bed: Bed, rule: str, size: int) -> Seen:
    wire = connected(bed)
    asked, answer = SAID[bed.protocol]
    server = b"".join(wire.sends(each) for each in pieces(asked, size))
    service = wire.taken("answered")
    if server and not wire.ended():  # else the server has nothing to answer
        service += b"".join(wire.answers(each) for each in pieces(answer, size))
    told = [(each.message, each.text, each.offset, each.passed_bytes) for each in wire.fired()]
    ended = wire.ended()
    bed.release(rule)
    released = (wire.taken("sent"), wire.taken("answered"))
    wire.engine.lost("service")
    return Seen(server, service, ended, told, released)


@pytest.mark.parametrize("protocol", SAID)
@pytest.mark.parametrize(("direction", "action"), ARMED, ids=[f"{way}-{each!r}" for way, each in ARMED])
def test_a_rule_does_the_same_once_however_its_message_arrives(
    protocol: str, direction: Direction, action: Action
) -> None:
    if isinstance(action, Fail) and protocol == "redis":
        action = Fail("LOADING")
    found = []
    for size in (1000, 1, 2, 7, 20):
        bed = Bed(protocol)
        rule = bed.arm(action, direction, {"postgres": "COMMIT", "redis": "GET"}[protocol])
        found.append(seen(bed, rule, size))
        assert seen(bed, rule, size) == Seen(*SAID[protocol], "", [], (b"", b"")), "another connection, in peace"
    assert [len(each.told) for each in found] == [1] * len(found)
    assert found == found[:1] * len(found)
