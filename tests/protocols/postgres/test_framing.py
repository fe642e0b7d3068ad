from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocols.contract.frames import GARBAGE, HEAD_MAX, Direction
from harness.protocols.contract.speech import conversation
from harness.protocols.postgres.wire.framing import ANSWERED, AUTHENTICATION, SENT
from tests.protocols.postgres import words
from tests.protocols.reading import CUTS, Read, Untouched, chunks_of, read

BODIES = st.binary(max_size=60) | st.integers(HEAD_MAX - 8, HEAD_MAX + 8).map(bytes)
TYPED_SENT = st.builds(lambda kind, body: words.typed(kind.encode(), body), st.sampled_from("QPBDECHSFdcfXY"), BODIES)
TYPED_ANSWERED = st.builds(lambda kind, body: words.typed(kind.encode(), body), st.sampled_from(list(ANSWERED)), BODIES)
AUTHENTICATIONS = st.sampled_from(sorted(AUTHENTICATION)).map(words.authentication)


def plain_packet(stream: bytes, offset: int) -> tuple[str, int]:
    (length, code) = struct.unpack(">II", stream[offset : offset + 8])
    kinds = {80877102: "CancelRequest", 80877103: "SSLRequest", 80877104: "GSSENCRequest"}
    return kinds.get(code, "StartupMessage"), length


def plain_sent(stream: bytes, offset: int = 0, *, started: bool = False) -> list[Read]:
    """A second reading of what a client sends: slices whole messages off, one after the other."""
    if offset == len(stream):
        return []
    if started:
        kind = chr(stream[offset])
        name, length = SENT.get(kind, f"type:{kind}"), 1 + struct.unpack(">I", stream[offset + 1 : offset + 5])[0]
    else:
        name, length = plain_packet(stream, offset)
    whole = stream[offset : offset + length]
    first = Read(name, offset, whole[:HEAD_MAX], length, complete=True)
    return [first, *plain_sent(stream, offset + length, started=started or name == "StartupMessage")]


def plain_answered(stream: bytes, offset: int, encryption: str) -> list[Read]:
    """The same of what a server answers; `encryption`: the names of the bare bytes it begins with."""
    if offset == len(stream):
        return []
    if encryption:
        name, _, rest = encryption.partition(" ")
        return [Read(name, offset, stream[offset : offset + 1], 1, True), *plain_answered(stream, offset + 1, rest)]
    kind, length = chr(stream[offset]), 1 + struct.unpack(">I", stream[offset + 1 : offset + 5])[0]
    whole = stream[offset : offset + length]
    name = AUTHENTICATION[whole[8]] if kind == "R" else ANSWERED[kind]
    return [Read(name, offset, whole[:HEAD_MAX], length, True), *plain_answered(stream, offset + length, "")]


@given(
    before=st.lists(st.sampled_from([words.SSL_REQUEST, words.GSSENC_REQUEST]), max_size=2),
    minor=st.integers(0, 0xFFFF),
    messages=st.lists(TYPED_SENT, max_size=8),
    cuts=CUTS,
)
def test_any_split_of_what_is_sent_gives_the_messages_of_a_plain_reading(
    before: list[bytes], minor: int, messages: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join([*before, words.startup(minor), *messages])
    assert read(conversation("postgres").framers["sent"], chunks_of(stream, cuts)) == plain_sent(stream)


@given(
    requests=st.lists(st.sampled_from([(words.SSL_REQUEST, "SSLAnswer"), (words.GSSENC_REQUEST, "GSSENCAnswer")])),
    ssl=st.sampled_from([b"S", b"N"]),
    messages=st.lists(TYPED_ANSWERED | AUTHENTICATIONS, max_size=8),
    cuts=CUTS,
)
def test_any_split_of_what_is_answered_gives_the_messages_of_a_plain_reading(
    requests: list[tuple[bytes, str]], ssl: bytes, messages: list[bytes], cuts: list[int]
) -> None:
    talk = conversation("postgres")
    read(talk.framers["sent"], [b"".join(request for request, _ in requests) + words.startup()])
    bare = b"".join(ssl if name == "SSLAnswer" else b"N" for _, name in requests)
    stream = bare + b"".join(messages)
    expected = plain_answered(stream, 0, " ".join(name for _, name in requests))
    assert read(talk.framers["answered"], chunks_of(stream, cuts)) == expected


@pytest.mark.parametrize("direction", ["sent", "answered"])
@given(noise=st.binary(max_size=200), start=st.booleans(), cuts=CUTS)
def test_noise_is_covered_and_framed_the_same_however_it_is_split(
    direction: Direction, noise: bytes, start: bool, cuts: list[int]
) -> None:
    before = (words.startup() if direction == "sent" else words.authentication(0)) if start else b""
    whole, split = conversation("postgres"), conversation("postgres")
    frames = read(split.framers[direction], chunks_of(before + noise, cuts))
    assert frames == read(whole.framers[direction], [before + noise] if before + noise else [])


@pytest.mark.parametrize(
    "bad",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",  # TLS without being asked
        struct.pack(">II", 7, 196608),
        struct.pack(">II", 10001, 196608),
        struct.pack(">II", 9, 2 << 16),  # protocol 2
        struct.pack(">iI", -1, 196608),
    ],
)
def test_a_connection_that_begins_with_something_else_is_garbage_for_good(bad: bytes) -> None:
    frames = read(conversation("postgres").framers["sent"], [bad, words.startup(), words.SYNC])
    total = len(bad + words.startup() + words.SYNC)
    assert [(each.name, each.offset, each.length, each.complete) for each in frames] == [(GARBAGE, 0, total, False)]


@pytest.mark.parametrize(
    "bad", [b"Q\x00\x00\x00\x03", b"Q\xff\xff\xff\xff", b"Q\x7f\xff\xff\xff", b"\x00\x00\x00\x00\x08", b"\xff"]
)
@pytest.mark.parametrize("direction", ["sent", "answered"])
def test_an_impossible_message_and_all_after_it_is_garbage(direction: Direction, bad: bytes) -> None:
    before = words.startup() if direction == "sent" else words.authentication(0)
    stream = before + bad + words.SYNC
    for chunks in ([stream], [stream[index : index + 1] for index in range(len(stream))]):
        frames = read(conversation("postgres").framers[direction], chunks)
        assert [(each.name, each.length) for each in frames[1:]] == [(GARBAGE, len(bad) + len(words.SYNC))]


def test_a_message_of_many_megabytes_is_counted_and_not_kept() -> None:
    framer = conversation("postgres").framers["sent"]
    read(framer, [words.startup()])
    body = 64 << 20
    spans = list(framer.feed(b"d" + struct.pack(">I", body + 4)))
    block = memoryview(bytes(1 << 20))
    for _ in range(64):
        spans += framer.feed(block)
    spans += framer.feed(words.SYNC)
    frame = spans[0].frame
    assert (frame.length, len(frame.head), frame.complete) == (body + 5, HEAD_MAX, True)
    assert [span.last for span in spans[:-1]] == [False] * 64 + [True]
    assert spans[-1].frame.name == "Sync"


def test_a_body_that_goes_on_is_passed_without_being_looked_at() -> None:
    framer = conversation("postgres").framers["sent"]
    read(framer, [words.startup(), b"d" + struct.pack(">I", 0x3FFFFFF0) + bytes(HEAD_MAX)])
    (span,) = framer.feed(Untouched())
    assert (span.begin, span.end, span.last) == (0, 1 << 29, False)


@pytest.mark.parametrize(
    ("request_", "answer", "name"),
    [
        (words.SSL_REQUEST, b"S", "SSLAnswer"),
        (words.SSL_REQUEST, b"N", "SSLAnswer"),
        (words.GSSENC_REQUEST, b"N", "GSSENCAnswer"),
    ],
)
def test_the_bare_byte_is_a_frame_of_its_own_and_the_typed_messages_follow(
    request_: bytes, answer: bytes, name: str
) -> None:
    talk = conversation("postgres")
    read(talk.framers["sent"], [request_])
    frames = read(talk.framers["answered"], [answer + words.authentication(3)])
    assert [each.name for each in frames] == [name, "AuthenticationCleartextPassword"]
    assert [each.name for each in read(talk.framers["sent"], [words.startup()])] == ["StartupMessage"]


@pytest.mark.parametrize("begun", range(1, 5))
def test_a_message_that_has_begun_before_the_request_goes_on_as_it_began(begun: int) -> None:
    talk = conversation("postgres")
    framers, notice = talk.framers, words.NOTICE
    before = framers["answered"].feed(notice[:begun])
    read(framers["sent"], [words.SSL_REQUEST])
    rest = [span for byte in notice[begun:] + b"N" for span in framers["answered"].feed(bytes([byte]))]
    assert [(each.frame.name, each.frame.length) for each in [*before, *rest] if each.last] == [
        ("NoticeResponse", len(notice)),
        ("SSLAnswer", 1),
    ]


def test_an_old_server_refuses_encryption_with_an_error() -> None:
    talk = conversation("postgres")
    read(talk.framers["sent"], [words.SSL_REQUEST])
    assert [each.name for each in read(talk.framers["answered"], [words.error()])] == ["ErrorResponse"]


def test_behind_gssapi_encryption_all_is_garbage() -> None:
    talk = conversation("postgres")
    read(talk.framers["sent"], [words.GSSENC_REQUEST])
    assert [each.name for each in read(talk.framers["answered"], [b"G", words.READY])] == ["GSSENCAnswer", GARBAGE]
    assert [each.name for each in read(talk.framers["sent"], [words.startup()])] == [GARBAGE]


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (3, "PasswordMessage"),
        (5, "PasswordMessage"),
        (10, "SASLInitialResponse"),
        (11, "SASLResponse"),
        (7, "GSSResponse"),
    ],
)
def test_a_password_message_is_named_by_what_the_server_asked_for(asked: int, name: str) -> None:
    talk = conversation("postgres")
    read(talk.framers["sent"], [words.startup()])
    read(talk.framers["answered"], [words.authentication(asked, b"more")])
    assert [each.name for each in read(talk.framers["sent"], [words.typed(b"p", b"secret\0")])] == [name]


def test_a_cancel_request_may_have_a_long_key() -> None:
    frames = read(conversation("postgres").framers["sent"], [words.cancel(bytes(256))])
    assert [(each.name, each.length) for each in frames] == [("CancelRequest", 268)]
