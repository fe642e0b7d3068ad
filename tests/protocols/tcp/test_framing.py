from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocols.contract.frames import HEAD_MAX, Direction
from harness.protocols.tcp.wire.conversation import StreamConversation
from tests.protocols.reading import CUTS, Read, chunks_of, read


@pytest.mark.parametrize("direction", ["sent", "answered"])
@given(stream=st.binary(min_size=1, max_size=200), cuts=CUTS)
def test_a_direction_is_one_message_without_an_end(direction: Direction, stream: bytes, cuts: list[int]) -> None:
    frames = read(StreamConversation().framers[direction], chunks_of(stream, cuts))
    assert frames == [Read("Stream", 0, stream, len(stream), complete=False)]


def test_of_a_long_one_the_beginning_is_kept() -> None:
    (frame,) = read(StreamConversation().framers["sent"], [bytes(HEAD_MAX - 1), bytes(HEAD_MAX)])
    assert (len(frame.head), frame.length) == (HEAD_MAX, 2 * HEAD_MAX - 1)


def test_what_is_watched_only_is_a_message_each_time() -> None:
    framer = StreamConversation().framers["sent"]
    spans = [*framer.watch(b"abc"), *framer.watch(b"de"), *framer.feed(b"f"), *framer.feed(b"g"), *framer.watch(b"h")]
    spans += framer.feed(b"i")
    assert [(span.frame.offset, span.first, span.last) for span in spans] == [
        (0, True, True), (3, True, True), (5, True, False), (5, False, False), (5, False, True), (8, True, False),
    ]  # fmt: skip
    assert (spans[2].frame.length, spans[2].frame.complete, spans[2].frame.known) == (3, True, True)
