"""An HTTP/1.x connection: requests, and the request of each response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.protocols.contract.failure import Failure, ServerError
from harness.protocols.contract.frames import GARBAGE, Direction, Frame
from harness.protocols.contract.message import Message, Phase, Unfinished
from harness.protocols.http.errors import error_response
from harness.protocols.http.wire.body import content
from harness.protocols.http.wire.framing import AnsweredFramer, Asked, HttpFrame, Line, SentFramer
from harness.protocols.http.wire.head import RequestHead

__all__ = ["HttpConversation"]

PHASE: Final[Phase] = "query"  # a connection has no startup: its first byte is a request's


class HttpConversation:
    """Reads one connection, from its first byte. A request and its final response are an exchange.

    A message's `text` is the request's method and path, with the query. Its `values` are the values of its header
    fields, and its content.
    """

    __slots__ = ("_line", "_open", "framers")

    framers: Mapping[Direction, SentFramer | AnsweredFramer]

    def __init__(self) -> None:
        self._line = Line()
        self._open: dict[int, Asked] = {}  # requests that were understood and not answered, oldest first
        self.framers = {"sent": SentFramer(self._line), "answered": AnsweredFramer(self._line)}

    def understand(self, direction: Direction, frame: Frame) -> Message:
        """Return what a frame means."""
        if not isinstance(frame, HttpFrame) or frame.asked is None:
            return _aside(direction, frame)
        return self._request(frame, frame.asked) if direction == "sent" else self._answer(frame, frame.asked)

    def unanswered(self, exchange: int) -> int:
        """How many earlier exchanges still wait for an answer, or for the rest of one."""
        return sum(earlier < exchange for earlier in self._open)

    def withdraw(self, message: Message) -> bool:
        """Take back a request that never reached the server and will not be answered."""
        self._open.pop(message.exchange, None)
        found = next((asked for asked in self._line.due if asked.exchange == message.exchange), None)
        if found is not None:
            self._line.due.remove(found)
        return True

    def fail(self, message: Message, error: ServerError) -> Failure:
        """Answer instead of the server. A request that is incomplete may stay so: then the connection closes."""
        closes = error.fatal or not message.frame.complete
        method = message.text.partition(" ")[0]
        return Failure(to_service=error_response(error, method, closes=closes), closes=closes)

    def outside(self, latest: Message | None) -> Unfinished:
        """Return "nothing": a connection begins with a request."""
        del latest
        return Unfinished("idle", "", None)

    def _request(self, frame: Frame, asked: Asked) -> Message:
        if frame.name == GARBAGE:
            return _aside("sent", frame)
        head = asked.head
        asked.values = [*_values(head), content(bytes(frame.head[asked.head_length :]), head.body)]
        exchange = 0 if asked.answered else asked.exchange  # a server may answer before all of a request has come
        if exchange:
            self._open[exchange] = asked
        return Message(frame, "sent", frame.name, PHASE, head.text, asked.values, True, exchange, False)

    def _answer(self, frame: HttpFrame, asked: Asked) -> Message:
        if frame.ends:
            asked.answered = True
            self._open.pop(asked.exchange, None)
        values = asked.values or _values(asked.head)
        return Message(
            frame, "answered", frame.name, PHASE, asked.head.text, values, False, asked.exchange, ends_answer=frame.ends
        )


def _aside(direction: Direction, frame: Frame) -> Message:
    """Return a message that belongs to no exchange."""
    return Message(frame, direction, frame.name, PHASE, "", (), False, 0, False)


def _values(head: RequestHead) -> list[bytes]:
    return [value for _, value in head.fields]
