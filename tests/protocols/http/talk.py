"""A connection over HTTP that holds a little of everything, for the tests of the contract."""

from __future__ import annotations

from collections.abc import Sequence

from harness.protocols.contract.frames import Direction
from tests.protocols.http.words import CHARGE, CHARGED, chunked, request

TALK: Sequence[tuple[Direction, bytes]] = (
    ("sent", CHARGE),
    ("answered", CHARGED),
    ("sent", request("GET /charges")),
    ("answered", chunked(b"one", b"another")),
)
