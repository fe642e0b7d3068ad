"""A TCP connection: two streams, of which neither answers the other."""

from __future__ import annotations

from collections.abc import Mapping

from harness.protocols.contract.failure import Failure, ServerError
from harness.protocols.contract.frames import Direction, Frame
from harness.protocols.contract.message import Message, Unfinished
from harness.protocols.tcp.framing import StreamFramer

__all__ = ["StreamConversation"]


class StreamConversation:
    """Reads nothing into the bytes: there are no texts, no exchanges, no phases."""

    __slots__ = ("framers",)

    framers: Mapping[Direction, StreamFramer]

    def __init__(self) -> None:
        self.framers = {"sent": StreamFramer(), "answered": StreamFramer()}

    def understand(self, direction: Direction, frame: Frame) -> Message:
        """Return that the bytes go this way."""
        return Message(frame, direction, frame.name, "idle", "", (), False, 0, False)

    def unanswered(self, exchange: int) -> int:
        """Return 0: nothing is asked."""
        del exchange
        return 0

    def withdraw(self, message: Message) -> bool:
        """Return that nothing goes with it: it belongs to no exchange."""
        del message
        return False

    def fail(self, message: Message, error: ServerError) -> Failure:
        """Put nothing in its place: `check_error` accepts no error."""
        del message, error
        return Failure()

    def outside(self, latest: Message | None) -> Unfinished:
        """Return that the server has to speak where the service spoke last: for all that anybody knows."""
        waits = latest is not None and latest.direction == "sent"
        return Unfinished("idle", "", "answered" if waits else None)
