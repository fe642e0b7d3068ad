"""Frames: which bytes of a read belong to which protocol message.

A framer reads one direction of one connection. It never changes, withholds or loses a byte, and never raises, for any
bytes: bytes that it cannot read become a frame named "garbage" that never ends.
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

    `name` is "" until the first bytes show it, at the latest when the frame is complete or its head is full. A frame
    that turns out to be unreadable is renamed to "garbage" and never completes. `offset`: the place of its first byte
    in its direction's stream. `head`: its first bytes, at most HEAD_MAX. `length`: its bytes so far; the whole length
    once `complete`. `more`: the number of messages of the same kind that follow it and have no frames of their own (see
    `watch`). `known`: rules are applied although it is not complete, because it never ends, or its end waits for an
    answer. `ends_with_stream`: only the end of its direction completes it.
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

    `first` and `last`: whether it holds the first and the last byte of its frame.
    """

    frame: Frame
    begin: int
    end: int
    first: bool
    last: bool


class Framer(Protocol):
    """Cuts one direction of one connection into frames. It does not matter how the bytes are divided into chunks."""

    def feed(self, chunk: Chunk) -> Sequence[Span]:
        """Take the next bytes. It copies the bytes that it keeps: the chunk may be a view of a reused buffer."""
        ...

    def watch(self, chunk: Chunk) -> Sequence[Span]:
        """Take the next bytes like `feed`, but return consecutive whole rows as one frame and span.

        There may be very many rows, and all mean the same.
        """
        ...


def extend(frame: Frame, chunk: Chunk, begin: int, end: int) -> None:
    """Add bytes of a chunk to a frame: all of them to its length, and as many as fit to its head."""
    room = HEAD_MAX - len(frame.head)
    if room > 0:
        frame.head += chunk[begin : min(end, begin + room)]
    frame.length += end - begin
