"""A framer that reads its frames step by step, for protocols whose frames do not begin with their whole length."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from harness.protocols.contract.frames import GARBAGE, Chunk, Frame, Span, extend

__all__ = ["NEVER", "SteppingFramer", "Unreadable"]

NEVER: Final = 1 << 80  # the length of what has no end: more than any number in a message can say

FrameT = TypeVar("FrameT", bound=Frame)


class Unreadable(Exception):  # noqa: N818 - caught by the framer: the bytes are passed on as garbage
    """The stream does not follow the protocol here."""


class SteppingFramer(Generic[FrameT]):
    """Reads one direction of one connection in steps.

    A step is an item that says what comes next (a line, a head), or as many bytes as an item has announced. `_left`
    counts those bytes; the framer does not look at them.
    """

    __slots__ = ("_frame", "_left", "_offset")

    def __init__(self) -> None:
        self._offset = 0  # of the next frame
        self._frame: FrameT | None = None  # one that has begun and not ended
        self._left = 0  # announced bytes that have not arrived yet

    def watch(self, chunk: Chunk) -> list[Span]:
        """Take the next bytes like `feed`: these protocols have no rows."""
        return self.feed(chunk)

    def feed(self, chunk: Chunk) -> list[Span]:
        """Cut the next bytes into frames."""
        size = len(chunk)
        frame = self._frame
        if frame is not None and self._left > size:
            self._left -= size
            extend(frame, chunk, 0, size)
            self._extended(frame)
            return [Span(frame, 0, size, first=False, last=False)]
        data = chunk if isinstance(chunk, bytes) else bytes(chunk)
        spans: list[Span] = []
        position = 0
        while position < size:
            position = self._next(data, position, spans)
        return spans

    def _next(self, data: bytes, begin: int, spans: list[Span]) -> int:
        """Read to the end of one frame, or of the data; return where that is."""
        frame = self._frame
        first = frame is None
        if frame is None:
            frame = self._frame = self._begun()
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
        self._extended(frame)
        spans.append(Span(frame, begin, end, first, whole))
        return end

    def _read(self, frame: FrameT, data: bytes, position: int) -> tuple[int, bool]:
        """Return where the frame or the data end, and whether the frame ends there."""
        size = len(data)
        while True:
            if self._left:
                here = size - position
                if self._left > here:
                    self._left -= here
                    return size, False
                position += self._left
                self._left = 0
                if self._counted():
                    return position, True
            if position == size:
                return size, False
            item, position = self._take(data, position)
            if item is None:
                return size, False
            if self._understand(frame, item):
                return position, True

    def _begun(self) -> FrameT:
        """Return the frame that begins here, at `_offset`."""
        raise NotImplementedError

    def _extended(self, frame: FrameT) -> None:
        """Hook: a frame has got bytes."""

    def _counted(self) -> bool:
        """All bytes that were announced have come; return whether the frame ends with them."""
        raise NotImplementedError

    def _take(self, data: bytes, position: int) -> tuple[bytes | None, int]:
        """Return the next item and where it ends; None if the data end before it does. Raises Unreadable."""
        raise NotImplementedError

    def _understand(self, frame: FrameT, item: bytes) -> bool:
        """Use an item; return whether the frame ends with it. Raises Unreadable."""
        raise NotImplementedError
