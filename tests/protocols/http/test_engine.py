"""Rules on an HTTP connection: the engine alone, fed by hand."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.protocols.http.wire.length import WrongLength
from harness.relay import Action, Cut, Delay, Drop, Fail, Hold, Late, Match, Reset, Rule, Stall, check_action
from harness.relay.rules.near_misses import near_misses
from tests.protocols.http.words import CHARGE, CHARGED, chunked, chunks_of, head, request, response
from tests.relay.engines import Bed, Wire

OTHER = request("GET /health")
FINE = response(200, body=b"fine")
EXPECTING = head("POST /charges HTTP/1.1", "Content-Length: 5", "Expect: 100-continue")


@pytest.fixture
def bed() -> Bed:
    return Bed("http")


def asked(bed: Bed, *requests: bytes) -> Wire:
    """A connection on which these requests have passed."""
    wire = bed.connect()
    assert wire.sends(*(requests or (CHARGE,))) == b"".join(requests or (CHARGE,))
    return wire


@pytest.mark.parametrize(("action", "ended"), [(Cut(), "closed"), (Reset(), "reset")])
def test_a_request_is_cut_before_its_first_byte(bed: Bed, action: Action, ended: str) -> None:
    bed.arm(action, "sent", "POST /charges")
    wire = bed.connect()
    assert wire.sends(OTHER, CHARGE) == OTHER
    assert wire.ended() == ended
    (fired,) = wire.fired()
    assert (fired.message, fired.text, fired.passed_bytes) == ("Request", "POST /charges", 0)


def test_a_request_is_cut_within_its_body(bed: Bed) -> None:
    bed.arm(Cut(len(CHARGE) - 3), "sent", "POST /charges")
    wire = bed.connect()
    assert wire.sends(CHARGE) == CHARGE[:-3]
    assert wire.ended() == "closed"


def test_a_request_is_found_by_what_it_holds(bed: Bed) -> None:
    bed.arm(Drop(), "sent", "POST /charges", having=b'"amount": 5')
    wire = bed.connect()
    other = request("POST /charges", body=b'{"amount": 6}')
    assert wire.sends(other, CHARGE[:20]) == other
    assert wire.sends(CHARGE[20:]) == b""
    assert len(wire.fired()) == 1


def test_an_answer_is_cut_as_a_whole(bed: Bed) -> None:
    bed.arm(Cut(), "answered", "POST /charges")
    wire = asked(bed)
    assert wire.answers(CHARGED) == b""
    assert wire.ended() == "closed"
    (fired,) = wire.fired()
    assert (fired.message, fired.text, fired.connection) == ("Response", "POST /charges", 1)


def test_the_answers_to_other_requests_pass(bed: Bed) -> None:
    bed.arm(Cut(), "answered", "POST /charges")
    wire = asked(bed, OTHER, CHARGE)
    assert wire.answers(FINE[:9]) == b""  # too little of it is there to be judged
    assert wire.answers(FINE[9:], CHARGED) == FINE
    assert wire.ended() == "closed"


def test_an_answer_is_cut_within_a_chunk(bed: Bed) -> None:
    bed.arm(Cut(5), "answered", "POST /charges", message="Chunk", nth=2)
    wire = asked(bed)
    answer = chunked(b"first", b"second")
    begins = answer[: answer.index(b"6\r\nsecond")]
    assert wire.answers(answer) == begins + b"6\r\nse"
    assert wire.ended() == "closed"
    assert wire.fired()[0].message == "Chunk"


def test_an_answer_is_cut_between_head_and_body(bed: Bed) -> None:
    bed.arm(Cut(after=True), "answered", "POST /charges", message="Response")
    wire = asked(bed)
    assert wire.answers(CHARGED) == CHARGED[: CHARGED.index(b"{")]
    assert wire.ended() == "closed"


@pytest.mark.parametrize("action", [Hold(), Delay(100), Stall()])
def test_an_answer_waits(bed: Bed, action: Action) -> None:
    rule = bed.arm(action, "answered", "POST /charges")
    wire = asked(bed)
    assert wire.answers(CHARGED) == b""
    bed.release(rule)
    assert wire.taken("answered") == CHARGED


def test_a_late_answer_comes_with_the_next_request(bed: Bed) -> None:
    bed.arm(Late(), "answered", "POST /charges")
    wire = asked(bed)
    assert wire.answers(CHARGED) == b""
    assert wire.sends(OTHER) == OTHER
    assert wire.taken("answered") == CHARGED


def test_a_dropped_request_has_no_answer(bed: Bed) -> None:
    bed.arm(Drop(), "sent", "POST /charges")
    wire = bed.connect()
    assert wire.sends(CHARGE, request("HEAD /health")) == request("HEAD /health")
    bed.arm(Cut(), "answered", "HEAD /health")
    wire.answers(head("HTTP/1.1 200 OK", "Content-Length: 5"))
    assert wire.ended() == "closed"


# A status in the answer's place.


def test_a_status_comes_in_the_place_of_the_answer(bed: Bed) -> None:
    bed.arm(Fail("503"), "sent", "POST /charges")
    wire = asked(bed, OTHER)
    assert wire.sends(CHARGE, OTHER) == OTHER
    assert wire.taken("answered") == b""  # the first answer has not come
    assert wire.answers(FINE, FINE) == (
        FINE + response(503, "Content-Type: text/plain; charset=utf-8", body=b"put here by the harness").replace(
            b"Because", b"Service Unavailable"
        ) + FINE
    )  # fmt: skip
    assert wire.ended() == ""


def test_a_fatal_status_ends_the_connection(bed: Bed) -> None:
    bed.arm(Fail("429", "slow down", fatal=True), "sent", "POST /charges")
    wire = bed.connect()
    assert wire.sends(CHARGE) == b""
    answer = wire.taken("answered")
    assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\nslow down")
    assert wire.ended() == "closed"


@pytest.mark.parametrize(
    ("asked_with", "code", "begins", "ends"),
    [
        ("HEAD /", "503", b"HTTP/1.1 503 Service Unavailable\r\n", b"Content-Length: 23\r\n\r\n"),
        ("GET /", "204", b"HTTP/1.1 204 No Content\r\n", b"204 No Content\r\n\r\n"),
        ("GET /", "599", b"HTTP/1.1 599\r\n", b"\r\n\r\nput here by the harness"),
    ],
)
def test_it_is_well_formed(bed: Bed, asked_with: str, code: str, begins: bytes, ends: bytes) -> None:
    bed.arm(Fail(code), "sent")
    wire = bed.connect()
    wire.sends(request(asked_with))
    answer = wire.taken("answered")
    assert answer.startswith(begins)
    assert answer.endswith(ends)


def test_a_request_that_waits_for_100_is_failed_without_its_body(bed: Bed) -> None:
    bed.arm(Fail("503"), "sent", "POST /charges")
    wire = bed.connect()
    assert wire.sends(EXPECTING) == b""
    assert b"\r\nConnection: close\r\n" in wire.taken("answered")
    assert wire.ended() == "closed"
    assert len(wire.fired()) == 1


@pytest.mark.parametrize("code", ["100", "101", "600", "50", "ERR"])
def test_what_is_no_final_status_is_refused(code: str) -> None:
    with pytest.raises(UsageError, match=r"(?s)not a status that answers a request.*from 200 to 599"):
        check_action("wire.fail", Fail(code), None, "http")


# A body that waits for the server's word.


def test_its_head_passes_although_another_request_is_waited_for(bed: Bed) -> None:
    bed.arm(Cut(), "sent", "DELETE /")
    wire = bed.connect()
    assert wire.sends(EXPECTING) == EXPECTING
    assert wire.answers(head("HTTP/1.1 100 Continue"))
    assert wire.sends(b"hello") == b"hello"


def test_an_upgraded_connection_passes_as_it_comes(bed: Bed) -> None:
    bed.arm(Cut(), "sent", "DELETE /")
    bed.arm(Cut(), "answered", "DELETE /")
    upgrade = request("GET /socket", "Connection: upgrade", "Upgrade: websocket")
    wire = asked(bed, upgrade)
    switched = head("HTTP/1.1 101 Switching Protocols")
    assert wire.answers(switched, b"\x81\x01") == switched + b"\x81\x01"
    assert wire.sends(b"\x81") == b"\x81"


# A wrong length.


@pytest.mark.parametrize(("by", "announced"), [(10, b"27"), (-2, b"15"), (-17, b"0")])
@pytest.mark.parametrize("message", [None, "Response"])
def test_a_response_announces_what_does_not_come(bed: Bed, by: int, announced: bytes, message: str | None) -> None:
    bed.arm(WrongLength(by), "answered", "POST /charges", message=message)
    wire = asked(bed)
    interim = head("HTTP/1.1 100 Continue", "Content-Length: 17") if message is None else b""
    got = wire.answers(interim, CHARGED[:15])
    got += wire.answers(CHARGED[15:], FINE)
    assert got == interim + CHARGED.replace(b"Content-Length: 17", b"Content-Length: " + announced) + FINE
    (fired,) = wire.fired()
    assert (fired.message, fired.text) == (message or "Interim", "POST /charges")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(chunked(b"abc"), "the response announces no length"), (response(201, body=b"ab"), "announces 2 bytes only")],
)
def test_a_response_that_cannot_be_changed_so_passes_and_the_rule_stays(bed: Bed, answer: bytes, reason: str) -> None:
    rule = bed.arm(WrongLength(-3), "answered", "POST /charges")
    wire = asked(bed)
    assert wire.answers(answer) == answer
    assert not wire.fired()
    armed = bed.book.get(rule)
    assert armed is not None
    assert any(reason in line for line in near_misses(armed, ()))
    wire.sends(CHARGE)
    assert b"Content-Length: 14" in wire.answers(CHARGED)


BOTH = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Length: 3") + chunks_of(b"abc")


@pytest.mark.parametrize(
    ("line", "answer", "reason"),
    [
        ("GET /", head("HTTP/1.1 304 Not Modified", "Content-Length: 17"), "GET 304 has no body"),
        ("HEAD /", head("HTTP/1.1 200 OK", "Content-Length: 17"), "HEAD 200 has no body"),
        ("GET /", BOTH, "its body comes in chunks"),
    ],
)
def test_a_length_that_the_client_ignores_is_left_and_is_no_evidence(
    bed: Bed, line: str, answer: bytes, reason: str
) -> None:
    rule = bed.arm(WrongLength(3), "answered", line)
    wire = asked(bed, request(line))
    assert wire.answers(answer) == answer
    assert not wire.fired()
    armed = bed.book.get(rule)
    assert armed is not None
    assert any(reason in miss for miss in near_misses(armed, ()))


def test_an_announced_body_that_is_empty_meets_it(bed: Bed) -> None:
    bed.arm(WrongLength(3), "answered", "POST /charges")
    wire = asked(bed)
    assert b"Content-Length: 3" in wire.answers(response(201))
    assert len(wire.fired()) == 1


def test_a_head_that_does_not_end_passes_when_the_connection_does(bed: Bed) -> None:
    bed.arm(WrongLength(1), "answered", "POST /charges")
    wire = asked(bed)
    assert wire.answers(CHARGED[:20]) == b""
    wire.engine.finish("answered")
    assert wire.taken("answered") == CHARGED[:20]
    assert not wire.fired()


def test_a_right_length_is_refused_and_so_is_a_request() -> None:
    with pytest.raises(UsageError, match=r"wrong_length.*then the length is right"):
        WrongLength(0)
    with pytest.raises(UsageError, match="wrong_length can be done to what is answered only"):
        Rule(id="a", hop="h", match=Match(direction="sent"), action=WrongLength(1))


def test_the_action_is_known_by_its_kind() -> None:
    assert Action.from_json(WrongLength(-3).to_json()) == WrongLength(-3)


UNTIL_CLOSE = head("HTTP/1.0 200 OK") + b"all of it"


def test_a_body_without_a_length_is_cut_as_it_comes(bed: Bed) -> None:
    bed.arm(Cut(2), "answered", "GET /", message="Body")
    wire = asked(bed, request("GET /"))
    assert wire.answers(UNTIL_CLOSE) == UNTIL_CLOSE[:-7]
    assert wire.ended() == "closed"


def test_an_answer_that_ends_with_its_connection_is_complete_then(bed: Bed) -> None:
    bed.arm(Cut(len(UNTIL_CLOSE) - 3), "answered", "GET /")
    wire = asked(bed, request("GET /"))
    assert wire.answers(UNTIL_CLOSE) == b""
    assert not wire.fired()
    wire.engine.finish("answered")
    assert wire.taken("answered") == UNTIL_CLOSE[:-3]
    assert wire.ended() == "closed"
    assert len(wire.fired()) == 1


def test_an_answer_that_ends_with_its_connection_is_held_with_that_end(bed: Bed) -> None:
    rule = bed.arm(Hold(), "answered", "GET /")
    wire = asked(bed, request("GET /"))
    wire.answers(UNTIL_CLOSE)
    wire.engine.finish("answered")
    assert (wire.taken("answered"), wire.outlet.finished) == (b"", [])
    bed.release(rule)
    assert (wire.taken("answered"), wire.outlet.finished) == (UNTIL_CLOSE, ["answered"])


def test_an_answer_that_its_connection_cuts_short_is_not_complete(bed: Bed) -> None:
    bed.arm(Hold(), "answered", "POST /charges")
    wire = asked(bed)
    wire.answers(CHARGED[:-1])
    wire.engine.finish("answered")
    assert (wire.taken("answered"), wire.outlet.finished) == (CHARGED[:-1], ["answered"])
    assert not wire.fired()
