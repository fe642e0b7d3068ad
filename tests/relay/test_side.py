"""A socket of a relayed connection that is gone before its `connection_lost` is called, as happens in TLS."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from harness.relay.connection.side import HIGH_WATER_BYTES, Side


class _Lost(asyncio.Transport):
    """What uvloop's TLS leaves for a moment: its socket is gone, and it does not say that it is closing."""

    def __init__(self) -> None:
        super().__init__()
        self.ended_by: list[str] = []

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.ended_by.append("pause_reading")

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.ended_by.append("close")

    def abort(self) -> None:
        self.ended_by.append("abort")

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert (high, low) == (HIGH_WATER_BYTES, None)


class _Joint:
    def __init__(self) -> None:
        self.has: list[Side] = []

    def connected(self, side: Side) -> None:
        self.has.append(side)

    def read(self, direction: str, chunk: bytes) -> None:
        raise AssertionError(f"nothing is read, and not {direction} {chunk!r}")

    def finished(self, direction: str) -> None:
        raise AssertionError(f"{direction} does not end")

    def lost(self, side: Side, problem: Exception | None) -> None:
        raise AssertionError(f"{side} is not told yet of {problem}")

    def regulate(self) -> None:
        raise AssertionError("nothing is written")


@pytest.mark.parametrize(
    ("end", "last"),
    [(Side.close, ["close"]), (Side.reset, ["pause_reading", "abort"]), (Side.abort, ["abort"])],
)
def test_a_side_whose_socket_is_gone_can_be_ended(end: Callable[[Side], None], last: list[str]) -> None:
    transport = _Lost()
    side = Side(_Joint(), "sent")
    side.connection_made(transport)
    end(side)
    assert transport.ended_by == last
    assert side.segments() == 0


class _Ends(_Joint):
    """Is told of the end."""

    def __init__(self) -> None:
        super().__init__()
        self.over = asyncio.Event()

    def lost(self, side: Side, problem: Exception | None) -> None:
        assert (side, problem) == (self.has[0], None)
        self.over.set()


@pytest.mark.asyncio
async def test_a_side_is_closed_without_a_reset_though_not_all_was_read() -> None:
    joint = _Ends()
    side = Side(joint, "sent")
    service, accepted = socket.socketpair()
    with service:
        await asyncio.get_running_loop().create_connection(lambda: side, sock=accepted)
        side.allow_reading(False)
        service.sendall(b"x" * 1000)
        side.close()
        await joint.over.wait()
        assert service.recv(1) == b"", "a reset is another fault"
