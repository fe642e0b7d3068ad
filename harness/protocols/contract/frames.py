"""Protocol messages as they pass: which bytes of a read belong to which message.

A framer reads one direction of one connection. It never changes, keeps back or loses a byte, and never
raises for what it is fed: what it cannot read is a frame named "garbage" that never ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from harness.vocabulary.messages import Direction

__all__ = ["GARBAGE", "HEAD_MAX", "Chunk", "Direction", "Frame", "Framer", "Span", "extend"]

HEAD_MAX: Final = 65536
GARBAGE: Final = "garbage"

Chunk: TypeAlias = bytes | bytearray | memoryview


@dataclass(slots=True)
class Frame:
    """One protocol message of one direction.

    `name` is "" until the first bytes tell it, at the latest when the frame is complete or its head is
    full; a frame that turns out to be unreadable half-way is renamed to "garbage" and never completes.
    `offset` is that of its first byte in its direction's stream. `head` holds its first bytes, all of
    them up to HEAD_MAX. `length` counts its bytes so far, and is the whole length once `complete`.
    `more`: so many messages of the same kind follow it that were not made frames of (see `watch`).
    `known`: it is to be judged although it is not complete: it has no end, or that has to wait for an answer.
    `ends_with_stream`: it has no other end than that of its direction, which completes it.
    """

    name: str
    offset: int
    head: bytearray
    length: int
    complete: bool
    more: int = 0
    known: bool = False
    ends_with_stream: bool = False


@dataclass(slots=True)
class Span:
    """A piece of one chunk, `chunk[begin:end]`: every byte of a chunk is in exactly one span, in order.

    `first` and `last` tell whether it holds the first and the last byte of its frame.
    """

    frame: Frame
    begin: int
    end: int
    first: bool
    last: bool


class Framer(Protocol):
    """Cuts one direction of one connection into frames, however its bytes were read."""

    def feed(self, chunk: Chunk) -> Sequence[Span]:
        """Take the next bytes. What is kept of them is copied: the chunk may be a view of a reused buffer."""
        ...

    def watch(self, chunk: Chunk) -> Sequence[Span]:
        """Take the next bytes like `feed`, but rows that follow each other, whole, as one frame and span.

        Of rows there may be very many, and one means what the one before it means.
        """
        ...


def extend(frame: Frame, chunk: Chunk, begin: int, end: int) -> None:
    """Add these bytes of a chunk to a frame: to its head as far as there is room, to its length all of them."""
    room = HEAD_MAX - len(frame.head)
    if room > 0:
        frame.head += chunk[begin : min(end, begin + room)]
    frame.length += end - begin
