"""Plain TCP: each direction is one message that never ends. Only its bytes can be counted.

While no rule acts on it, each of its pieces is a whole message. So a rule that is armed later strikes the bytes that
come after that, and counts from there.
"""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.frames import Chunk, Frame, Span, extend

__all__ = ["STREAM", "StreamFramer"]

STREAM: Final = "Stream"


class StreamFramer:
    """See `Framer`. Both directions are read in the same way."""

    __slots__ = ("_frame", "_offset")

    def __init__(self) -> None:
        self._offset = 0
        self._frame: Frame | None = None

    def feed(self, chunk: Chunk) -> list[Span]:
        """Take the next bytes: they continue a message, or begin one."""
        first = self._frame is None
        frame = self._frame or Frame(STREAM, self._offset, bytearray(), 0, complete=False, known=True)
        self._frame = frame
        self._offset += len(chunk)
        extend(frame, chunk, 0, len(chunk))
        return [Span(frame, 0, len(chunk), first, last=False)]

    def watch(self, chunk: Chunk) -> list[Span]:
        """Take the next bytes, and end the message with them: no rule acts on it."""
        (span,) = self.feed(chunk)
        span.frame.complete = span.last = True
        self._frame = None
        return [span]
