"""Plain TCP: a direction is one message that never ends, and of which nothing is known but its bytes.

While no rule is after it, its pieces are whole messages each: so a rule that is armed later meets what comes from
then on, and counts its bytes from there.
"""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.frames import Chunk, Frame, Span, extend

__all__ = ["STREAM", "StreamFramer"]

STREAM: Final = "Stream"


class StreamFramer:
    """See `Framer`. Either direction is read alike."""

    __slots__ = ("_frame", "_offset")

    def __init__(self) -> None:
        self._offset = 0
        self._frame: Frame | None = None

    def feed(self, chunk: Chunk) -> list[Span]:
        """Take the next bytes: of the message that goes on, or of one that begins here."""
        first = self._frame is None
        frame = self._frame or Frame(STREAM, self._offset, bytearray(), 0, complete=False, known=True)
        self._frame = frame
        self._offset += len(chunk)
        extend(frame, chunk, 0, len(chunk))
        return [Span(frame, 0, len(chunk), first, last=False)]

    def watch(self, chunk: Chunk) -> list[Span]:
        """Take the next bytes, and let the message end with them: no rule has it."""
        (span,) = self.feed(chunk)
        span.frame.complete = span.last = True
        self._frame = None
        return [span]
