"""A connection over PostgreSQL that holds a little of everything, for the tests of the contract."""

from __future__ import annotations

from collections.abc import Sequence

from harness.protocols.contract.frames import Direction
from tests.protocols.postgres import words as pg

TALK: Sequence[tuple[Direction, bytes]] = (
    ("sent", pg.startup()),
    ("answered", pg.OK),
    ("sent", pg.parse("", "INSERT INTO t VALUES ($1)") + pg.bind("", "", [b"x"]) + pg.execute() + pg.SYNC),
    ("answered", pg.PARSED + pg.BOUND + pg.complete("INSERT 0 1") + pg.READY),
    ("sent", pg.query("COMMIT")),
    ("answered", pg.complete("COMMIT") + pg.READY),
)
