"""Feeding framers and conversations, and what must hold of every feed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from harness.protocols.contract.frames import GARBAGE, HEAD_MAX, Direction, Frame, Framer
from harness.protocols.contract.message import Conversation, Message


@dataclass(frozen=True)
class Read:
    """A frame as values, to compare."""

    name: str
    offset: int
    head: bytes
    length: int
    complete: bool


class Untouched(bytes):
    """A chunk of 512 MiB. To copy it or to search in it would touch it."""

    def __len__(self) -> int:
        return 1 << 29

    def __getitem__(self, _key: Any) -> Any:
        raise AssertionError("the body was touched")


def chunks_of(stream: bytes, cuts: Iterable[int]) -> Iterator[bytes]:
    """Split a stream at these offsets, taken modulo its length."""
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    for begin, end in itertools.pairwise(edges):
        yield stream[begin:end]


def read(framer: Framer, chunks: Iterable[bytes]) -> list[Read]:
    """Feed chunks by a view of a buffer that is overwritten after; check the spans; return all frames."""
    frames: list[Frame] = []
    begun = total = -1  # offsets in the stream: of the first byte fed here, of the chunk
    for chunk in chunks:
        buffer = bytearray(chunk)
        position = 0
        for span in framer.feed(memoryview(buffer)):
            if not frames:
                begun = total = span.frame.offset
            assert span.begin == position < span.end
            position = span.end
            if span.first:
                assert not frames or frames[-1].complete
                assert span.frame.offset == total + span.begin
                frames.append(span.frame)
            assert span.frame is frames[-1]
            assert span.last == span.frame.complete
            if span.last or len(span.frame.head) == HEAD_MAX:
                assert span.frame.name
        assert position == len(chunk)
        buffer[:] = bytes(len(buffer))
        total += len(chunk)
    assert sum(frame.length for frame in frames) == total - begun
    return [Read(each.name, each.offset, bytes(each.head), each.length, each.complete) for each in frames]


def say(talk: Conversation, direction: Direction, *parts: bytes) -> list[Message]:
    """Feed one side's bytes in one read; return what every whole message means."""
    spans = talk.framers[direction].feed(b"".join(parts))
    return [talk.understand(direction, each.frame) for each in spans if each.last or each.frame.name == GARBAGE]


def names(messages: Sequence[Message]) -> list[str]:
    return [message.name for message in messages]


def exchanges(messages: Sequence[Message]) -> list[int]:
    return [message.exchange for message in messages]


def last_answers(messages: Sequence[Message]) -> list[int]:
    """The exchanges that ended, in order."""
    return [message.exchange for message in messages if message.ends_answer]


CUTS = st.lists(st.integers(0, 1 << 20), max_size=12)
