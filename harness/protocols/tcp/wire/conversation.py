"""A TCP connection: two independent streams. The harness does not know which bytes belong to which request."""

from __future__ import annotations

from collections.abc import Mapping

from harness.protocols.contract.failure import Failure, ServerError
from harness.protocols.contract.frames import Direction, Frame
from harness.protocols.contract.message import Message, Unfinished
from harness.protocols.tcp.wire.framing import StreamFramer

__all__ = ["StreamConversation"]


class StreamConversation:
    """Finds no meaning in the bytes: no texts, no exchanges, no phases."""

    __slots__ = ("framers",)

    framers: Mapping[Direction, StreamFramer]

    def __init__(self) -> None:
        self.framers = {"sent": StreamFramer(), "answered": StreamFramer()}

    def understand(self, direction: Direction, frame: Frame) -> Message:
        """Return a message of the frame's direction."""
        return Message(frame, direction, frame.name, "idle", "", (), False, 0, False)

    def unanswered(self, exchange: int) -> int:
        """Return 0: plain TCP has no requests."""
        del exchange
        return 0

    def withdraw(self, message: Message) -> bool:
        """Return False: the stream belongs to no exchange."""
        del message
        return False

    def fail(self, message: Message, error: ServerError) -> Failure:
        """Return a failure without bytes. `check_error` accepts no error, so it is never used."""
        del message, error
        return Failure()

    def outside(self, latest: Message | None) -> Unfinished:
        """Return that the server must send next if the service sent last. This is only a guess."""
        waits = latest is not None and latest.direction == "sent"
        return Unfinished("idle", "", "answered" if waits else None)
