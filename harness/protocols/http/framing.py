"""HTTP/1.x: where each request begins and ends, and each part of a response.

A request is one message, from its method to the last byte of its body. A response is several: its head,
then its body as a whole, or chunk by chunk. Written here because the maintained parsers (h11,
httptools, llhttp) give events and do not tell which bytes an event was.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.protocols.contract.frames import GARBAGE, HEAD_MAX, Chunk, Frame, Span, extend
from harness.protocols.http.head import (
    CHUNKED,
    UNTIL_CLOSE,
    RequestHead,
    ResponseHead,
    Unreadable,
    check_request_begins,
    check_response_begins,
)

__all__ = [
    "BODY", "CHUNK", "INTERIM", "LAST_CHUNK", "REQUEST", "RESPONSE", "TUNNEL", "AnsweredFramer", "Asked", "HttpFrame",
    "Line", "SentFramer",
]  # fmt: skip

REQUEST: Final = "Request"
INTERIM: Final = "Interim"
RESPONSE: Final = "Response"
BODY: Final = "Body"
CHUNK: Final = "Chunk"
LAST_CHUNK: Final = "LastChunk"
TUNNEL: Final = "Tunnel"

BLANK_LINE: Final = re.compile(rb"\n\r?\n")
LINE_END: Final = re.compile(rb"\n")
SIZE_LINE: Final = re.compile(rb"(?P<size>[0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r?\n", re.DOTALL)
SIZE_BEGINS: Final = re.compile(rb"[0-9A-Fa-f]{1,16}[ \t]*(?:;.*)?\r?", re.DOTALL)
SIZE_LINE_MAX: Final = 4096  # bytes, with its extensions
NEVER: Final = 1 << 80  # the length of what has no end: more than a Content-Length can say


@dataclass(slots=True, eq=False)
class Asked:
    """A request whose head has come.

    `values`: what rules can search, once the request is complete. `answered`: completely.
    """

    exchange: int
    head: RequestHead
    head_length: int
    values: Sequence[bytes] = ()
    answered: bool = False


@dataclass(slots=True, eq=False)
class HttpFrame(Frame):
    """A frame, and the request that it is or answers. `ends`: the answer ends with it."""

    asked: Asked | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Stage:
    """What the framer reads next: how it ends, and how long it may be."""

    end: re.Pattern[bytes]
    longest: int


_HEAD: Final = _Stage(BLANK_LINE, HEAD_MAX)
_SIZE: Final = _Stage(LINE_END, SIZE_LINE_MAX)
_TRAILER: Final = _Stage(BLANK_LINE, HEAD_MAX)


class Line:
    """What the two directions of a connection know of each other."""

    __slots__ = ("count", "due", "tunnel")

    def __init__(self) -> None:
        self.count = 0  # requests begun
        self.due: deque[Asked] = deque()  # requests whose answer has not begun
        self.tunnel = False  # the connection speaks something else from here on


class _Framer:
    """What both directions share: heads, chunk sizes, and bytes that are counted and not looked at."""

    __slots__ = ("_checked", "_frame", "_kept", "_left", "_line", "_offset", "_stage")

    def __init__(self, line: Line) -> None:
        self._line = line
        self._offset = 0  # of the next frame
        self._frame: HttpFrame | None = None  # one that has begun and not ended
        self._stage = _HEAD
        self._left = 0  # bytes still to come of a body or a chunk
        self._kept = bytearray()  # the beginning of a head, a chunk's size or a trailer that has not ended
        self._checked = False  # whether the first line of the head in `_kept` has been read

    def watch(self, chunk: Chunk) -> list[Span]:
        """Take the next bytes like `feed`: HTTP has no rows."""
        return self.feed(chunk)

    def feed(self, chunk: Chunk) -> list[Span]:
        """Cut the next bytes into frames. Those of a body are counted, not read."""
        size = len(chunk)
        frame = self._frame
        if frame is not None and self._left > size:
            self._left -= size
            extend(frame, chunk, 0, size)
            return [Span(frame, 0, size, first=False, last=False)]
        data = chunk if isinstance(chunk, bytes) else bytes(chunk)
        spans: list[Span] = []
        position = 0
        while position < size:
            position = self._next(data, position, spans)
        return spans

    def _next(self, data: bytes, begin: int, spans: list[Span]) -> int:
        """Read on to the end of one frame, or of the data; return where."""
        frame = self._frame
        first = frame is None
        if frame is None:
            frame = self._frame = HttpFrame("", self._offset, bytearray(), 0, complete=False)
            self._begin(frame)
        try:
            end, whole = self._read(frame, data, begin)
        except Unreadable:
            frame.name = GARBAGE
            self._left = NEVER
            end, whole = len(data), False
        extend(frame, data, begin, end)
        if whole:
            frame.complete = True
            self._frame = None
            self._offset += frame.length
        spans.append(Span(frame, begin, end, first, whole))
        return end

    def _read(self, frame: HttpFrame, data: bytes, position: int) -> tuple[int, bool]:
        size = len(data)
        while True:
            if self._left:
                here = min(self._left, size - position)
                position += here
                self._left -= here
                if self._left:
                    return size, False
                if self._counted():
                    return position, True
            if position == size:
                return size, False
            taken, position = self._take(data, position)
            if taken is None:
                return size, False
            if self._understand(frame, taken):
                return position, True

    def _take(self, data: bytes, position: int) -> tuple[bytes | None, int]:
        """Return the next head, chunk's size or trailer; None when the data end before it does."""
        kept, stage = self._kept, self._stage
        known = len(kept)
        kept += data[position : position + stage.longest - known]
        begin = self._blanks(kept) if stage is _HEAD and not self._checked else 0
        match = stage.end.search(kept, max(begin, known - 2))
        if match is None:
            if len(kept) >= stage.longest:
                raise Unreadable
            self._check(kept)
            return None, len(data)
        taken = bytes(kept[: match.end()])
        self._begin_to_keep(stage)
        return taken, position + match.end() - known

    def _begin_to_keep(self, stage: _Stage) -> None:
        self._stage, self._checked = stage, False
        self._kept = bytearray(b"\n" if stage is _TRAILER else b"")

    def _check(self, kept: bytearray) -> None:
        """Refuse what cannot become a head, or a chunk's size: it may be withheld until it has."""
        if self._stage is _SIZE and not SIZE_BEGINS.fullmatch(kept):
            raise Unreadable
        if self._stage is _HEAD and not self._checked:
            self._checked = self._check_head(bytes(kept))

    def _understand(self, frame: HttpFrame, taken: bytes) -> bool:
        """Take what `_take` has found; return whether the frame ends with it."""
        if self._stage is _HEAD:
            return self._head(frame, taken)
        if self._stage is _TRAILER:
            self._begin_to_keep(_HEAD)
            return True
        match = SIZE_LINE.fullmatch(taken)
        if match is None:
            raise Unreadable
        size = int(match["size"], 16)
        self._chunk(frame, last=size == 0)
        if size:
            self._left = size + 2
        else:
            self._begin_to_keep(_TRAILER)
        return False

    def _counted(self) -> bool:
        """All bytes that were counted have come: of a body, or of a chunk. Return whether the frame ends with them."""
        return self._stage is _HEAD

    def _body_follows(self, length: int) -> None:
        if length == CHUNKED:
            self._begin_to_keep(_SIZE)
        else:
            self._left = NEVER if length == UNTIL_CLOSE else length

    def _tunnel(self, frame: HttpFrame) -> None:
        """The connection is no longer HTTP: the rest is one frame that never ends."""
        frame.name, frame.known = TUNNEL, True
        self._left = NEVER

    def _blanks(self, kept: bytearray) -> int:
        """Return how many bytes of blank lines come before a head."""
        raise NotImplementedError

    def _check_head(self, kept: bytes) -> bool:
        raise NotImplementedError

    def _begin(self, frame: HttpFrame) -> None:
        raise NotImplementedError

    def _head(self, frame: HttpFrame, head: bytes) -> bool:
        raise NotImplementedError

    def _chunk(self, frame: HttpFrame, *, last: bool) -> None:
        raise NotImplementedError


class SentFramer(_Framer):
    """What the service sends: each request is one frame, with its body."""

    __slots__ = ()

    def _begin(self, frame: HttpFrame) -> None:
        if self._line.tunnel:
            self._tunnel(frame)

    def _blanks(self, kept: bytearray) -> int:
        return len(kept) - len(kept.lstrip(b"\r\n"))

    def _check_head(self, kept: bytes) -> bool:
        return check_request_begins(kept)

    def _head(self, frame: HttpFrame, head: bytes) -> bool:
        request = RequestHead.parse(head)
        line = self._line
        line.count += 1
        frame.name = REQUEST
        frame.known = request.waits_for_continue  # or neither side would go on
        frame.asked = Asked(line.count, request, len(head))
        line.due.append(frame.asked)
        self._body_follows(request.body)
        return request.body == 0

    def _chunk(self, frame: HttpFrame, *, last: bool) -> None:
        """Continue the request: its chunks belong to it."""


class AnsweredFramer(_Framer):
    """What the server answers: the head of a response, then its body, whole or by chunks.

    Of a body's frames all is known when they begin: they are never withheld.
    """

    __slots__ = ("_asked",)

    def __init__(self, line: Line) -> None:
        super().__init__(line)
        self._asked: Asked | None = None  # the request that is being answered

    def _begin(self, frame: HttpFrame) -> None:
        if self._line.tunnel:
            self._tunnel(frame)
        elif self._left:
            frame.name, frame.known, frame.asked, frame.ends = BODY, True, self._asked, True
            frame.ends_with_stream = self._left == NEVER

    def _blanks(self, kept: bytearray) -> int:
        del kept
        return 0  # none is allowed

    def _check_head(self, kept: bytes) -> bool:
        return check_response_begins(kept)

    def _head(self, frame: HttpFrame, head: bytes) -> bool:
        line, response = self._line, ResponseHead.parse(head)
        if response.is_interim:
            frame.name = INTERIM
            frame.asked = line.due[0] if line.due else None
            return True
        asked = self._asked = frame.asked = line.due.popleft() if line.due else None
        method = asked.head.method if asked else ""
        body = response.body_after(method)
        frame.name, frame.ends = RESPONSE, body == 0
        line.tunnel = response.switches(method)
        self._body_follows(body)
        return True

    def _chunk(self, frame: HttpFrame, *, last: bool) -> None:
        frame.name, frame.known, frame.asked, frame.ends = LAST_CHUNK if last else CHUNK, True, self._asked, last

    def _counted(self) -> bool:
        return True
