"""Prepared statements and portals: a connection remembers what it uses, and not more than so many bytes of it."""

from __future__ import annotations

from harness.protocols.postgres.wire.remembered import BYTES_MAX, ENTRIES_MAX, Remembered
from tests.protocols.postgres import words as pg
from tests.relay.engines import Bed, started
from tests.relay.test_sightings import MIB, VALUE, carries, keeping_at_most


def test_of_too_many_entries_the_one_unused_for_longest_is_forgotten() -> None:
    remembered = Remembered[int]()
    for number in range(ENTRIES_MAX):
        remembered.put(str(number), number, 1)
    assert remembered.use("0") == 0
    remembered.put("new", -1, 1)
    assert [remembered.get(name) for name in ("0", "1", "2", "new")] == [0, None, 2, -1]
    assert remembered.use("1") is None


def test_of_entries_with_too_many_bytes_the_oldest_are_forgotten() -> None:
    remembered = Remembered[int]()
    for number in range(5):
        remembered.put(str(number), number, BYTES_MAX // 4)
    assert [remembered.get(str(number)) for number in range(5)] == [None, 1, 2, 3, 4]
    remembered.put("4", 40, 2 * BYTES_MAX)
    assert [remembered.get(str(number)) for number in range(5)] == [None, None, None, None, 40]


def test_an_entry_that_replaces_another_replaces_its_bytes() -> None:
    remembered = Remembered[int]()
    remembered.put("first", 1, BYTES_MAX // 2)
    for number in range(10):
        remembered.put("again", number, BYTES_MAX // 2)
    assert (remembered.get("first"), remembered.get("again")) == (1, 9)


def test_long_statements_with_names_do_not_pile_up() -> None:
    bed = Bed()
    wire = started(bed)
    with keeping_at_most(3 * BYTES_MAX / MIB):  # and the hop's own table of what it saw
        for number in range(500):
            sql = f"SELECT {number} {VALUE.decode()}"
            carries(wire, pg.parse(f"s{number}", sql) + pg.SYNC, pg.PARSED + pg.READY)
    wire.sends(pg.bind("", "s499") + pg.execute() + pg.SYNC, pg.bind("", "s1") + pg.execute() + pg.SYNC)
    assert [seen.text[:10] for seen in bed.sightings.statements(0) if seen.runs] == ["SELECT 499", ""]


def test_portals_with_large_parameters_do_not_pile_up() -> None:
    wire = started(Bed())
    carries(wire, pg.parse("s", "SELECT $1") + pg.SYNC, pg.PARSED + pg.READY)
    with keeping_at_most(2 * BYTES_MAX / MIB):
        for number in range(500):
            value = number.to_bytes(4, "big") + VALUE
            carries(wire, pg.bind(f"p{number}", "s", [value]) + pg.SYNC, pg.BOUND + pg.READY)


def test_long_names_count() -> None:
    wire = started(Bed())
    with keeping_at_most(2 * BYTES_MAX / MIB):
        for number in range(500):
            name = f"{number}{VALUE.decode()}"
            carries(wire, pg.parse(name, "SELECT 1") + pg.SYNC, pg.PARSED + pg.READY)
