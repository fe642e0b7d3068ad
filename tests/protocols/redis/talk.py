"""A connection over Redis that holds a little of everything, for the tests of the contract."""

from __future__ import annotations

from collections.abc import Sequence

from harness.protocols.contract.frames import Direction

TALK: Sequence[tuple[Direction, bytes]] = (
    ("sent", b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"),
    ("answered", b"%1\r\n$5\r\nproto\r\n:3\r\n"),
    ("sent", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nvv\r\n" + b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
    ("answered", b"+OK\r\n$2\r\nvv\r\n"),
)
