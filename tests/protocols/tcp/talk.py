"""A connection over plain TCP that holds a little of everything, for the tests of the contract."""

from __future__ import annotations

from collections.abc import Sequence

from harness.protocols.contract.frames import Direction

TALK: Sequence[tuple[Direction, bytes]] = (("sent", b"hello\r\n"), ("answered", bytes(range(256))))
