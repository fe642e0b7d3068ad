from __future__ import annotations

import pytest

from harness.protocols.contract.frames import GARBAGE, HEAD_MAX
from harness.protocols.http.wire.conversation import HttpConversation
from tests.protocols.http.words import CHARGE, CHARGED, chunked, chunks_of, head, request, response
from tests.protocols.reading import exchanges, last_answers, names, say


def test_a_request_and_its_answer_are_an_exchange() -> None:
    talk = HttpConversation()
    (asked,) = say(talk, "sent", CHARGE)
    assert (asked.name, asked.text, asked.phase, asked.runs, asked.exchange) == (
        "Request", "POST /charges", "query", True, 1,
    )  # fmt: skip
    answered = say(talk, "answered", CHARGED)
    assert names(answered) == ["Response", "Body"]
    assert [(each.text, each.exchange, each.ends_answer, each.runs) for each in answered] == [
        ("POST /charges", 1, False, False),
        ("POST /charges", 1, True, False),
    ]
    assert [each.exchange for each in say(talk, "sent", CHARGE)] == [2]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("GET /charges/7?full=yes&x", "GET /charges/7?full=yes&x"),
        ("GET http://payments:8080/charges?x", "GET /charges?x"),
        ("GET http://payments", "GET /"),
        ("OPTIONS *", "OPTIONS *"),
        ("CONNECT payments:443", "CONNECT payments:443"),
        ("GET /" + "x" * 5000, "GET /" + "x" * 1995),
        ("GET /\xe9", "GET /\xe9"),
    ],
)
def test_its_text_is_method_and_path(line: str, text: str) -> None:
    (asked,) = say(HttpConversation(), "sent", head(f"{line} HTTP/1.1"))
    assert asked.text == text


def test_its_values_are_those_of_its_fields_and_its_content() -> None:
    talk = HttpConversation()
    (asked,) = say(talk, "sent", request("POST /", "X-Folded: a\r\n b", body=b"hello"))
    assert list(asked.values) == [b"127.0.0.1", b"a b", b"5", b"hello"]
    assert [list(each.values) for each in say(talk, "answered", response(201, "X: y"))] == [list(asked.values)]


def test_the_content_of_chunks_is_one_value() -> None:
    body = chunks_of(b'{"amo', b'unt": 5}', trailer="A: b\r\n", extension=";x=y")
    (asked,) = say(HttpConversation(), "sent", head("POST / HTTP/1.1", "Transfer-Encoding: chunked") + body)
    assert asked.values[-1] == b'{"amount": 5}'


def test_of_a_large_request_the_first_bytes_are_looked_at() -> None:
    talk = HttpConversation()
    begins = head("POST / HTTP/1.1", "Transfer-Encoding: chunked")
    body = chunks_of(b"needle", bytes(3 * HEAD_MAX), b"late needle")
    (asked,) = say(talk, "sent", begins + body)
    assert asked.values[-1].startswith(b"needle")
    assert b"late" not in asked.values[-1]


def test_answers_are_told_apart_by_their_questions() -> None:
    talk = HttpConversation()
    say(talk, "sent", request("HEAD /1"), request("GET /2"), request("GET /3"), request("GET /4"))
    assert talk.unanswered(4) == 3
    answers = say(
        talk, "answered", head("HTTP/1.1 200 OK", "Content-Length: 7"), response(204), chunked(b"abc"), response()
    )
    assert names(answers) == ["Response", "Response", "Response", "Chunk", "LastChunk", "Response"]
    assert exchanges(answers) == [1, 2, 3, 3, 3, 4]
    assert last_answers(answers) == [1, 2, 3, 4]
    assert answers[3].text == "GET /3"
    assert talk.unanswered(5) == 0


def test_what_comes_before_an_answer_does_not_end_it() -> None:
    talk = HttpConversation()
    say(talk, "sent", CHARGE)
    answers = say(talk, "answered", head("HTTP/1.1 100 Continue"), head("HTTP/1.1 103 Early Hints"), CHARGED)
    assert names(answers) == ["Interim", "Interim", "Response", "Body"]
    assert exchanges(answers) == [1, 1, 1, 1]
    assert last_answers(answers) == [1]


def test_a_request_that_was_withdrawn_has_no_answer() -> None:
    talk = HttpConversation()
    first, second = say(talk, "sent", request("HEAD /1"), request("GET /2"))
    talk.withdraw(first)
    assert talk.unanswered(second.exchange) == 0
    answers = say(talk, "answered", CHARGED)
    assert [(each.name, each.text) for each in answers] == [("Response", "GET /2"), ("Body", "GET /2")]


def test_a_body_that_waits_for_100_does_not_keep_its_head_waiting() -> None:
    talk = HttpConversation()
    (span,) = talk.framers["sent"].feed(head("POST / HTTP/1.1", "Content-Length: 3", "Expect: 100-continue"))
    assert (span.frame.name, span.frame.known, span.frame.complete) == ("Request", True, False)


@pytest.mark.parametrize(
    "fields",
    [
        ["Content-Length: 3"],
        ["Expect: 100-continue"],
        ["Content-Length: 3", "Expect: the unexpected"],
        ["Content-Length: 3", "X-Said: 100-continue"],
    ],
)
def test_other_requests_are_judged_as_a_whole(fields: list[str]) -> None:
    (span,) = HttpConversation().framers["sent"].feed(head("POST / HTTP/1.1", *fields))
    assert not span.frame.known


def test_an_answer_that_does_not_wait_for_all_of_the_request() -> None:
    talk = HttpConversation()
    begins = head("POST /large HTTP/1.1", "Content-Length: 3")
    assert not say(talk, "sent", begins)  # it is not there as a whole
    answers = say(talk, "answered", response(413))
    assert [(each.text, each.exchange, each.ends_answer) for each in answers] == [("POST /large", 1, True)]
    (asked,) = say(talk, "sent", b"abc")
    assert (asked.text, asked.exchange) == ("POST /large", 0)  # nothing more will answer it
    assert talk.unanswered(2) == 0


def test_an_answer_that_nobody_asked_for_belongs_to_no_exchange() -> None:
    answers = say(HttpConversation(), "answered", response(408, body=b"gone"))
    assert names(answers) == ["Response", "Body"]
    assert exchanges(answers) == [0, 0]


def test_garbage_belongs_to_no_exchange() -> None:
    talk = HttpConversation()
    (asked,) = say(talk, "sent", b"\x16\x03\x01")
    assert (asked.name, asked.text, asked.runs, asked.exchange) == (GARBAGE, "", False, 0)
    (asked,) = say(HttpConversation(), "sent", head("POST / HTTP/1.1", "Transfer-Encoding: chunked") + b"no size")
    assert (asked.name, asked.text, asked.runs, asked.exchange) == (GARBAGE, "", False, 0)
