"""HTTP/1.x: where each request begins and ends, and each part of a response.

A request is one message, from its method to the last byte of its body. A response is several: its head, then its body
as a whole, or chunk by chunk. We wrote it ourselves because the maintained parsers (h11, httptools, llhttp) return
events without the bytes of each event.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.protocols.contract.frames import HEAD_MAX, Frame
from harness.protocols.contract.stepping import NEVER, SteppingFramer, Unreadable
from harness.protocols.http.wire.head import (
    CHUNKED,
    UNTIL_CLOSE,
    RequestHead,
    ResponseHead,
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


@dataclass(slots=True, eq=False)
class Asked:
    """A request whose head has arrived.

    `values`: what rules can search, once the request is complete. `answered`: completely.
    """

    exchange: int
    head: RequestHead
    head_length: int
    values: Sequence[bytes] = ()
    answered: bool = False


@dataclass(slots=True, eq=False)
class HttpFrame(Frame):
    """A frame, and the request that it is or answers. `ends`: whether the answer ends with it."""

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
    """What the two directions of a connection know about each other."""

    __slots__ = ("count", "due", "tunnel")

    def __init__(self) -> None:
        self.count = 0  # requests begun
        self.due: deque[Asked] = deque()  # requests whose answer has not begun
        self.tunnel = False  # the connection speaks something else from here on


class _Framer(SteppingFramer[HttpFrame]):
    """The common base of both directions: heads, chunk sizes, and bodies, whose bytes are only counted."""

    __slots__ = ("_checked", "_kept", "_line", "_stage")

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line
        self._stage = _HEAD
        self._kept = bytearray()  # the beginning of a head, a chunk's size or a trailer that has not ended
        self._checked = False  # whether the first line of the head in `_kept` has been read

    def _begun(self) -> HttpFrame:
        frame = HttpFrame("", self._offset, bytearray(), 0, complete=False)
        self._begin(frame)
        return frame

    def _take(self, data: bytes, position: int) -> tuple[bytes | None, int]:
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
        """Refuse bytes that cannot become a head or a chunk's size: the relay may withhold bytes until then."""
        if self._stage is _SIZE and not SIZE_BEGINS.fullmatch(kept):
            raise Unreadable
        if self._stage is _HEAD and not self._checked:
            self._checked = self._check_head(bytes(kept))

    def _understand(self, frame: HttpFrame, item: bytes) -> bool:
        if self._stage is _HEAD:
            return self._head(frame, item)
        if self._stage is _TRAILER:
            self._begin_to_keep(_HEAD)
            return True
        match = SIZE_LINE.fullmatch(item)
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
        frame.known = request.waits_for_continue  # or both sides would wait for ever
        frame.asked = Asked(line.count, request, len(head))
        line.due.append(frame.asked)
        self._body_follows(request.body)
        return request.body == 0

    def _chunk(self, frame: HttpFrame, *, last: bool) -> None:
        """Continue the request: its chunks belong to it."""


class AnsweredFramer(_Framer):
    """What the server answers: the head of a response, then its body, whole or by chunks.

    A body's frames are fully known when they begin, so they are never withheld.
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
