from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocols.contract.frames import GARBAGE, HEAD_MAX, Direction
from harness.protocols.contract.speech import conversation
from harness.protocols.redis.wire.framing import NAMES
from tests.protocols.reading import CUTS, Read, Untouched, chunks_of, read


def one_of(*choices: bytes) -> st.SearchStrategy[bytes]:
    """Like `sampled_from`, but a long choice is no part of the strategy's name."""
    return st.sampled_from(range(len(choices))).map(lambda number: choices[number])


# Few are long: Hypothesis keeps all that it has made until the test has ended, which once was hundreds of megabytes.
BYTES = st.binary(max_size=20) | one_of(b"\r\n", b"$3\r\n", b"*1\r\n", bytes(HEAD_MAX))
TEXTS = st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=40).map(str.encode)


def bulk(data: bytes, kind: bytes = b"$") -> bytes:
    return kind + b"%d\r\n" % len(data) + data + b"\r\n"


def command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(map(bulk, words))


def streamed_string(parts: list[bytes]) -> bytes:
    return b"$?\r\n" + b"".join(bulk(part, b";") for part in parts if part) + b";0\r\n"


SIMPLE = (
    st.builds(lambda kind, text: kind + text + b"\r\n", st.sampled_from([b"+", b"-", b":", b",", b"(", b"#"]), TEXTS)
    | one_of(b"_\r\n", b"$-1\r\n", b"*-1\r\n", b"+" + b"x" * HEAD_MAX + b"\r\n")
    | st.builds(bulk, BYTES, st.sampled_from([b"$", b"!", b"="]))
    | st.lists(BYTES, max_size=3).map(streamed_string)
)


def counted(kind: bytes, values: list[bytes]) -> bytes:
    return kind + b"%d\r\n" % len(values) + b"".join(values)


def streamed(kind: bytes, values: list[bytes]) -> bytes:
    return kind + b"?\r\n" + b"".join(values) + b".\r\n"


def nested(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    several, pairs = st.lists(values, max_size=4), st.lists(st.tuples(values, values).map(b"".join), max_size=3)
    kinds, sizes = st.sampled_from([b"*", b"~", b">"]), st.sampled_from([counted, streamed])
    return (
        st.builds(lambda size, kind, members: size(kind, members), sizes, kinds, several)
        | st.builds(lambda size, members: size(b"%", members), sizes, pairs)
        | st.builds(lambda size, members, value: size(b"|", members) + value, sizes, pairs, values)
    )


VALUES = st.recursive(SIMPLE, nested, max_leaves=12)
INLINE = st.sampled_from([b"PING\r\n", b"set a  'b c'\n", b'GET "x\\n"\r\n', b"\r\n", b"  \n"])
COMMANDS = st.lists(BYTES, min_size=1, max_size=6).map(lambda words: command(b"Set", *words)) | INLINE
EMPTY = st.sampled_from([b"*0\r\n", b"*-1\r\n"])


def plain_value(data: bytes) -> bytes:
    """A second reading: what is left of the data behind the value that they begin with."""
    line, _, rest = data.partition(b"\r\n")
    kind, size = line[:1], line[1:]
    if kind in (b"+", b"-", b":", b",", b"(", b"#", b"_") or size == b"-1":
        return rest
    if kind in (b"$", b"!", b"="):
        return plain_parts(rest) if size == b"?" else rest[int(size) + 2 :]
    if size == b"?":
        while rest[:1] != b".":
            rest = plain_value(rest)
        rest = rest[3:]
    else:
        for _ in range(int(size) * (2 if kind in (b"%", b"|") else 1)):
            rest = plain_value(rest)
    return plain_value(rest) if kind == b"|" else rest


def plain_parts(data: bytes) -> bytes:
    line, _, rest = data.partition(b"\r\n")
    return rest if line == b";0" else plain_parts(rest[int(line[1:]) + 2 :])


def plain_command(data: bytes) -> bytes:
    if not data.startswith(b"*"):
        return data.partition(b"\n")[2]
    return data[5:] if data.startswith(b"*-1") else plain_value(data)


def plain_answers(stream: bytes) -> list[Read]:
    reads: list[Read] = []
    rest = stream
    while rest:
        after = plain_value(rest)
        whole = rest[: len(rest) - len(after)]
        name = "Null" if whole in (b"$-1\r\n", b"*-1\r\n") else NAMES[chr(whole[0])]
        reads.append(Read(name, len(stream) - len(rest), whole[:HEAD_MAX], len(whole), complete=True))
        rest = after
    return reads


def plain_commands(stream: bytes) -> list[Read]:
    reads: list[Read] = []
    rest = stream
    while rest:
        after = plain_command(rest)
        whole = rest[: len(rest) - len(after)]
        if whole.startswith(b"*"):
            name = "SET" if b"\r\nSet" in whole else "empty"
        else:
            name = (whole.split() or [b"empty"])[0].decode()
            name = name if name == "empty" else name.upper()
        reads.append(Read(name, len(stream) - len(rest), whole[:HEAD_MAX], len(whole), complete=True))
        rest = after
    return reads


@given(values=st.lists(VALUES, max_size=6), cuts=CUTS)
def test_any_split_of_replies_gives_the_values_of_a_plain_reading(values: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(values)
    expected = plain_answers(stream)
    assert len(expected) == len(values)
    assert read(conversation("redis").framers["answered"], chunks_of(stream, cuts)) == expected


@given(commands=st.lists(COMMANDS | EMPTY, max_size=6), cuts=CUTS)
def test_any_split_of_commands_gives_those_of_a_plain_reading(commands: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(commands)
    expected = plain_commands(stream)
    assert len(expected) == len(commands)
    assert read(conversation("redis").framers["sent"], chunks_of(stream, cuts)) == expected


@given(values=st.lists(VALUES, min_size=1, max_size=3))
def test_byte_by_byte_is_a_split_as_any_other(values: list[bytes]) -> None:
    stream = b"".join(values)[:3000]
    chunks = [stream[index : index + 1] for index in range(len(stream))]
    framers = conversation("redis").framers, conversation("redis").framers
    assert read(framers[0]["answered"], chunks) == read(framers[1]["answered"], [stream])


PIECES = [b"*", b"$", b"3", b"-1", b"\r\n", b"?", b";0", b".", b"|1", b"%1", b"+a", b"\r", b"\n"]
NOISE = st.lists(st.binary(max_size=8) | st.sampled_from(PIECES), max_size=30).map(b"".join)


@pytest.mark.parametrize("direction", ["sent", "answered"])
@given(noise=NOISE, cuts=CUTS)
def test_noise_is_covered_and_framed_the_same_however_it_is_split(
    direction: Direction, noise: bytes, cuts: list[int]
) -> None:
    whole = read(conversation("redis").framers[direction], [noise] if noise else [])
    assert read(conversation("redis").framers[direction], chunks_of(noise, cuts)) == whole


@pytest.mark.parametrize(
    "bad",
    [
        b"hello\r\n",
        b"\r\n",
        b"$x\r\n",
        b"$-2\r\n",
        b"$99999999999\r\n",
        b"$" + b"9" * 31,
        b"$" + b"0" * 30 + b"5\r\nhello\r\n",
        b"*-2\r\n",
        b"*1_0\r\n",
        b"*4294967296\r\n",
        b"*1\r\nhello\r\n",
        b"%x\r\n",
        b"|-1\r\n",
        b".\r\n",
        b";3\r\n",
        b"$?\r\n+a\r\n",
        b"*1\r\n.\r\n",
        b"*?\r\n" * 300,
    ],
)
def test_what_is_no_reply_is_garbage_with_all_after_it(bad: bytes) -> None:
    stream = b"+OK\r\n" + bad + b"+OK\r\n"
    for chunks in ([stream], [stream[index : index + 1] for index in range(len(stream))]):
        frames = read(conversation("redis").framers["answered"], chunks)
        assert [each.name for each in frames] == ["SimpleString", GARBAGE]
        assert (frames[1].length, frames[1].complete) == (len(bad) + 5, False)


@pytest.mark.parametrize(
    "bad", [b"*x\r\n", b"*2\r\n$-1\r\n", b"*1\r\n:1\r\n", b"*1\r\n*0\r\n", b"*" + b"1" * 31, b"PING" * 16385]
)
def test_what_is_no_command_is_garbage_with_all_after_it(bad: bytes) -> None:
    stream = command(b"PING") + bad + command(b"PING")
    frames = read(conversation("redis").framers["sent"], [stream])
    assert [(each.name, each.length) for each in frames[1:]] == [(GARBAGE, len(bad) + len(command(b"PING")))]


def test_a_first_byte_that_begins_nothing_is_garbage_before_its_line_ends() -> None:
    assert [each.name for each in read(conversation("redis").framers["answered"], [b"H"])] == [GARBAGE]


def test_depth_costs_nothing() -> None:
    stream = b"*1\r\n" * 100_000 + b":1\r\n" + b"+OK\r\n"
    frames = read(conversation("redis").framers["answered"], [stream])
    assert [each.name for each in frames] == ["Array", "SimpleString"]


def test_a_value_of_many_megabytes_is_counted_and_not_kept() -> None:
    framer = conversation("redis").framers["sent"]
    size = 64 << 20
    spans = list(framer.feed(b"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$%d\r\n" % size))
    block = memoryview(bytes(1 << 20))
    for _ in range(64):
        spans += framer.feed(block)
    assert (spans[0].frame.name, len(spans[0].frame.head), spans[0].frame.complete) == ("SET", HEAD_MAX, False)
    spans += framer.feed(b"\r\n" + command(b"PING"))
    assert spans[0].frame.complete
    assert spans[-1].frame.name == "PING"


def test_a_body_that_goes_on_is_passed_without_being_looked_at() -> None:
    framer = conversation("redis").framers["answered"]
    read(framer, [b"$4294967296\r\n" + bytes(HEAD_MAX)])
    (span,) = framer.feed(Untouched())
    assert (span.begin, span.end, span.last) == (0, 1 << 29, False)
