from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocols.contract.frames import GARBAGE, HEAD_MAX, Direction
from harness.protocols.http.wire.body import content
from harness.protocols.http.wire.conversation import HttpConversation
from harness.protocols.http.wire.head import CHUNKED, ResponseHead
from tests.protocols.http.words import CHARGE, CHARGED, chunk, chunked, chunks_of, head, request, response
from tests.protocols.reading import CUTS, Read, Untouched, read
from tests.protocols.reading import chunks_of as pieces_of

BODIES = st.binary(max_size=20) | st.sampled_from([b"\r\n\r\n", b"0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
CHUNKS = st.lists(BODIES.filter(bool) | st.just(HEAD_MAX).map(bytes), max_size=4)
EXTENSIONS = st.sampled_from(["", ";a", ';a="b;c"', " "])
TRAILERS = st.sampled_from(["", "Digest: x\r\n", "A: 1\r\nB:\r\n"])
FIELD = [
    "X: y",
    "X-Empty:",
    "Folded: a\r\n  b\r\n\tc",
    "Accept:*/*  ",
    "Connection: keep-alive",
    "x-long: " + "z" * 500,
]
FIELDS = st.lists(st.sampled_from(FIELD), max_size=3)
ENDS = st.sampled_from(["\r\n", "\n"])
METHODS = st.sampled_from(["GET", "POST", "HEAD", "DELETE", "M-SEARCH"])
TARGETS = st.sampled_from(["/", "/charges", "/a?b=c&d=%20", "http://payments:8080/charges?x", "*"])


@dataclass(frozen=True)
class Exchange:
    """What both sides say, and what a client that is not ours has to know of it."""

    method: str
    question: bytes
    answer: bytes


@st.composite
def bodies(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """The fields that say how long a body is, and the body."""
    kind = draw(st.sampled_from(["none", "length", "twice", "chunked"]))
    if kind == "none":
        return ["Content-Length: 0"], b""
    if kind == "chunked":
        return ["transfer-encoding: Chunked"], chunks_of(
            *draw(CHUNKS), trailer=draw(TRAILERS), extension=draw(EXTENSIONS)
        )
    body = draw(BODIES | st.just(2 * HEAD_MAX).map(bytes))
    length = f"CONTENT-LENGTH: {len(body)}"
    return [length] * (2 if kind == "twice" else 1), body


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    method, end = draw(METHODS), draw(ENDS)
    framing, body = draw(bodies())
    if draw(st.booleans()):
        framing, body = [], b""
    question = head(f"{method} {draw(TARGETS)} HTTP/1.1", "Host: x", *draw(FIELDS), *framing, end=end) + body
    interim = b"".join(head("HTTP/1.1 100 Continue", end=end) for _ in range(draw(st.integers(0, 2))))
    status, (framing, body) = draw(st.sampled_from([200, 201, 204, 304, 404, 503])), draw(bodies())
    if method == "HEAD" or status in (204, 304):
        body = b""
    line = f"HTTP/1.1 {status}{draw(st.sampled_from(['', ' ', ' Because it is so']))}"
    return Exchange(method, question, interim + head(line, *draw(FIELDS), *framing, end=end) + body)


# What h11 reads.


def requests_by_h11(stream: bytes) -> Iterator[tuple[str, bytes]]:
    server = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 30)
    server.receive_data(stream)
    while True:
        event = server.next_event()
        if event is h11.NEED_DATA:
            return
        assert isinstance(event, h11.Request)
        yield f"{event.method.decode()} {event.target.decode()}", body_by_h11(server)
        server.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
        server.send(h11.EndOfMessage())
        server.start_next_cycle()


def answers_by_h11(exchanges: list[Exchange]) -> Iterator[tuple[int, bytes]]:
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 30)
    for exchange in exchanges:
        client.send(h11.Request(method=exchange.method, target="/", headers=[("Host", "x")]))
        client.send(h11.EndOfMessage())
        client.receive_data(exchange.answer)
        while isinstance(event := client.next_event(), h11.InformationalResponse):
            pass
        assert isinstance(event, h11.Response)
        yield event.status_code, body_by_h11(client)
        assert client.next_event() in (h11.NEED_DATA, h11.PAUSED)
        client.start_next_cycle()


def body_by_h11(connection: h11.Connection) -> bytes:
    body = b""
    while isinstance(event := connection.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    return body


# What the framers read, with the bytes of every frame.


@dataclass(frozen=True)
class Part:
    name: str
    text: str
    exchange: int
    ends: bool
    data: bytes


def parts(talk: HttpConversation, direction: Direction, chunks: Iterable[bytes]) -> list[Part]:
    """Every whole frame with what it means and its own bytes, and that no byte is lost."""
    found: list[Part] = []
    data = b""
    for piece in chunks:
        for span in talk.framers[direction].feed(piece):
            data = piece[span.begin : span.end] if span.first else data + piece[span.begin : span.end]
            if span.last:
                message = talk.understand(direction, span.frame)
                found.append(Part(message.name, message.text, message.exchange, message.ends_answer, data))
    return found


def target_of(part: Part) -> str:
    method, target, _ = part.data.split(b" ", 2)
    return f"{method.decode()} {target.decode()}"


def content_of(request: Part) -> bytes:
    end = min(at for mark in (b"\n\n", b"\n\r\n") if (at := request.data.find(mark)) >= 0)
    body = (
        request.data[end:].removeprefix(b"\n\r\n")
        if request.data[end:].startswith(b"\n\r")
        else request.data[end + 2 :]
    )
    chunks = b"chunked" in request.data[:end].lower()
    return content(body, CHUNKED if chunks else len(body))


def answers_of(found: list[Part]) -> Iterator[tuple[int, bytes]]:
    status, pieces = 0, b""
    for part in found:
        if part.name == "Response":
            status = ResponseHead.parse(part.data).status
        elif part.name in ("Chunk", "LastChunk"):
            pieces += content(part.data, CHUNKED)
        elif part.name == "Body":
            pieces += part.data
        if part.ends:
            yield status, pieces
            pieces = b""


@given(said=st.lists(exchanges(), min_size=1, max_size=4), cuts=CUTS, more=CUTS)
def test_any_split_gives_the_messages_that_h11_reads(said: list[Exchange], cuts: list[int], more: list[int]) -> None:
    questions, answers = (b"".join(getattr(each, side) for each in said) for side in ("question", "answer"))
    talk = HttpConversation()
    asked = parts(talk, "sent", pieces_of(questions, cuts))
    assert b"".join(part.data for part in asked) == questions
    assert [(target_of(part), content_of(part)) for part in asked] == list(requests_by_h11(questions))
    answered = parts(talk, "answered", pieces_of(answers, more))
    assert b"".join(part.data for part in answered) == answers
    assert list(answers_of(answered)) == list(answers_by_h11(said))
    assert [part.exchange for part in answered if part.ends] == [part.exchange for part in asked]


@given(said=st.lists(exchanges(), min_size=1, max_size=3))
def test_byte_by_byte_is_a_split_as_any_other(said: list[Exchange]) -> None:
    questions, answers = (b"".join(getattr(each, side) for each in said)[:3000] for side in ("question", "answer"))
    whole, split = HttpConversation(), HttpConversation()
    streams: dict[Direction, bytes] = {"sent": questions, "answered": answers}
    for direction, stream in streams.items():
        bytes_of = [stream[index : index + 1] for index in range(len(stream))]
        assert read(split.framers[direction], bytes_of) == read(whole.framers[direction], [stream])


PIECES = [
    b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n", b"\r\n", b"\n", b"\r", b"Transfer-Encoding: chunked\r\n", b"3\r\n",
    b"0\r\n", b"Content-Length: 3\r\n", b" folded\r\n", b"HTTP/1.1 101 S\r\n", b"HTTP/1.1", b"GET ", b"5;x", b"abc",
]  # fmt: skip
NOISE = st.lists(st.binary(max_size=8) | st.sampled_from(PIECES), max_size=30).map(b"".join)


@pytest.mark.parametrize("direction", ["sent", "answered"])
@given(noise=NOISE, cuts=CUTS)
def test_noise_is_covered_and_framed_the_same_however_it_is_split(
    direction: Direction, noise: bytes, cuts: list[int]
) -> None:
    whole = read(HttpConversation().framers[direction], [noise] if noise else [])
    assert read(HttpConversation().framers[direction], pieces_of(noise, cuts)) == whole


@pytest.mark.parametrize(
    "bad",
    [
        b"\x16\x03\x01\x02",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1x\r\n\r\n",
        b"GET / XTTP",
        b" GET / HTTP/1.1\r\n\r\n",
        head("GET / HTTP/1.1", "No colon"),
        head("GET / HTTP/1.1", "Blank : x"),
        head("GET / HTTP/1.1", " folded first"),
        head("POST / HTTP/1.1", "Content-Length: 3, 4"),
        head("POST / HTTP/1.1", "Content-Length: 3", "Content-Length: 4"),
        head("POST / HTTP/1.1", "Content-Length: -1"),
        head("POST / HTTP/1.1", "Content-Length: 0x3"),
        head("POST / HTTP/1.1", "Transfer-Encoding: gzip"),
        head("POST / HTTP/1.1", "Transfer-Encoding: chunked") + b"xyz\r\n",
        head("POST / HTTP/1.1", "Transfer-Encoding: chunked") + b"\r\n",
        head("POST / HTTP/1.1", "Transfer-Encoding: chunked") + b"5" * 17 + b"\r\n",
    ],
)
def test_what_is_no_request_is_garbage_with_all_after_it(bad: bytes) -> None:
    stream = CHARGE + bad + CHARGE
    for chunks in ([stream], [stream[index : index + 1] for index in range(len(stream))]):
        frames = read(HttpConversation().framers["sent"], chunks)
        assert [each.name for each in frames][:2] == ["Request", GARBAGE]
        assert not frames[-1].complete


@pytest.mark.parametrize(
    "bad",
    [
        b"hello",
        b"\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2000\r\n\r\n",
        b"HTTP/1.1  200",
        head("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2"),
        head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + b"g",
        head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + chunk(b"abc") + b"\r\n",
        head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + b"1;" + b"x" * 5000,
    ],
)
def test_what_is_no_response_is_garbage_with_all_after_it(bad: bytes) -> None:
    stream = CHARGED + bad
    for chunks in ([stream], [stream[index : index + 1] for index in range(len(stream))]):
        frames = read(HttpConversation().framers["answered"], chunks)
        assert frames[-1].name == GARBAGE
        assert not frames[-1].complete


@pytest.mark.parametrize("beginning", [b"\x16", b"GET /\x00", b"GET / H2", b"{"])
def test_what_begins_no_request_is_garbage_before_its_line_ends(beginning: bytes) -> None:
    assert [each.name for each in read(HttpConversation().framers["sent"], [beginning])] == [GARBAGE]


@pytest.mark.parametrize("beginning", [b"S", b"HTTP/2", b"HTTP/1.1 x", b"\x00"])
def test_what_begins_no_response_is_garbage_before_its_line_ends(beginning: bytes) -> None:
    assert [each.name for each in read(HttpConversation().framers["answered"], [beginning])] == [GARBAGE]


@pytest.mark.parametrize("direction", ["sent", "answered"])
def test_a_head_is_read_as_far_as_it_can_be_kept(direction: Direction) -> None:
    line = {"sent": "GET / HTTP/1.1", "answered": "HTTP/1.1 204 None"}[direction]
    room = HEAD_MAX - len(head(line, "Long: "))
    for extra, names in ((0, ["Request" if direction == "sent" else "Response"] * 2), (1, [GARBAGE])):
        stream = head(line, "Long: " + "x" * (room + extra))
        for size in (1, 4099, HEAD_MAX + 9):
            pieces = [stream[at : at + size] for at in range(0, len(stream), size)] * 2
            assert [each.name for each in read(HttpConversation().framers[direction], pieces)] == names


def test_blank_lines_before_a_request_belong_to_it() -> None:
    frames = read(HttpConversation().framers["sent"], [b"\r\n", b"\r\n\n", b"\r", b"\n", CHARGE, CHARGE])
    assert [(each.name, each.length) for each in frames] == [("Request", len(CHARGE) + 7), ("Request", len(CHARGE))]


@pytest.mark.parametrize(
    ("asked", "answered", "names"),
    [
        (request("GET /"), response(200, body=b"abc"), ["Response", "Body"]),
        (request("GET /"), response(200), ["Response"]),
        (request("GET /"), response(204), ["Response"]),
        (request("GET /"), head("HTTP/1.1 304 Not Modified", "Content-Length: 5"), ["Response"]),
        (request("HEAD /"), head("HTTP/1.1 200 OK", "Content-Length: 5"), ["Response"]),
        (request("HEAD /"), head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), ["Response"]),
        (request("GET /"), chunked(b"ab", b"c"), ["Response", "Chunk", "Chunk", "LastChunk"]),
        (request("GET /"), chunked(trailer="A: b\r\n"), ["Response", "LastChunk"]),
        (request("GET /"), head("HTTP/1.1 103 Early Hints", "Link: x") + response(200), ["Interim", "Response"]),
        (request("CONNECT a:1"), response(407), ["Response"]),
    ],
)
def test_the_parts_of_an_answer(asked: bytes, answered: bytes, names: list[str]) -> None:
    talk = HttpConversation()
    read(talk.framers["sent"], [asked, asked])
    frames = read(talk.framers["answered"], [answered + answered])
    assert [each.name for each in frames] == names + names
    assert all(each.complete for each in frames)


@pytest.mark.parametrize("coding", ["gzip, chunked", "gzip,CHUNKED"])
def test_an_answer_is_in_chunks_where_its_last_coding_says_so(coding: str) -> None:
    stream = head("HTTP/1.1 200 OK", f"Transfer-Encoding: {coding}", "Content-Length: 3") + chunks_of(b"abc")
    assert [each.name for each in read(HttpConversation().framers["answered"], [stream])] == [
        "Response",
        "Chunk",
        "LastChunk",
    ]


@pytest.mark.parametrize("fields", [[], ["Transfer-Encoding: gzip"]])
def test_a_body_without_a_length_goes_on_to_the_end_of_the_connection(fields: list[str]) -> None:
    stream = head("HTTP/1.0 200 OK", *fields)
    frames = read(HttpConversation().framers["answered"], [stream, b"abc", CHARGED])
    assert frames[1] == Read("Body", len(stream), b"abc" + CHARGED, 3 + len(CHARGED), complete=False)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (request("GET /", "Upgrade: websocket", "Connection: Upgrade"), head("HTTP/1.1 101 Switching Protocols")),
        (request("CONNECT a:1"), response(200)),
    ],
)
def test_after_an_upgrade_all_is_one_tunnel(asked: bytes, answered: bytes) -> None:
    talk = HttpConversation()
    read(talk.framers["sent"], [asked])
    frames = read(talk.framers["answered"], [answered + b"\x81\x05hello"])
    assert [(each.name, each.complete) for each in frames] == [("Response", True), ("Tunnel", False)]
    frames = read(talk.framers["sent"], [b"\x81\x05", CHARGE])
    assert [(each.name, each.length) for each in frames] == [("Tunnel", 2 + len(CHARGE))]


@pytest.mark.parametrize(
    ("direction", "begins"),
    [
        ("sent", head("PUT / HTTP/1.1", "Content-Length: 9999999999")),
        ("answered", head("HTTP/1.1 200 OK", "Content-Length: 9999999999")),
        ("answered", head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + b"ffffffffff\r\n"),
        ("answered", head("HTTP/1.1 200 OK")),
    ],
)
def test_a_body_that_goes_on_is_passed_without_being_looked_at(direction: Direction, begins: bytes) -> None:
    framer = HttpConversation().framers[direction]
    read(framer, [begins + bytes(HEAD_MAX)])
    (span,) = framer.feed(Untouched())
    assert (span.begin, span.end, span.last) == (0, 1 << 29, False)


def test_a_body_of_many_megabytes_is_counted_and_not_kept() -> None:
    framer = HttpConversation().framers["sent"]
    size = 64 << 20
    spans = list(framer.feed(head("PUT / HTTP/1.1", f"Content-Length: {size}")))
    block = memoryview(bytes(1 << 20))
    for _ in range(64):
        spans += framer.feed(block)
    assert (spans[0].frame.name, len(spans[0].frame.head), spans[0].frame.complete) == ("Request", HEAD_MAX, True)
    (span,) = framer.feed(CHARGE)
    assert span.frame.complete
