"""What a message of NATS means, and which publication it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.errors import UsageError
from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.frames import GARBAGE, HEAD_MAX, Direction
from harness.protocols.contract.message import Message
from harness.protocols.contract.search import SEARCHED
from harness.protocols.nats.errors import check_error, error_of
from harness.protocols.nats.wire.conversation import DUE_MAX, NatsConversation
from harness.protocols.nats.wire.framing import LinesFramer
from harness.protocols.nats.wire.subjects import beginning_of, fits, shape_of

LOGIN: tuple[tuple[Direction, bytes], ...] = (
    ("answered", b'INFO {"version":"2.15.1"}\r\n'),
    ("sent", b"CONNECT {}\r\nPING\r\n"),
    ("answered", b"PONG\r\n"),
)


def told(talk: NatsConversation, direction: Direction, data: bytes) -> list[Message]:
    return [talk.understand(direction, span.frame) for span in talk.framers[direction].feed(data) if span.last]


def logged_in() -> NatsConversation:
    talk = NatsConversation()
    for direction, data in LOGIN:
        assert {message.phase for message in told(talk, direction, data)} == {"startup"}
    return talk


def facts(message: Message) -> tuple[Any, ...]:
    return message.name, message.text, message.phase, message.exchange, message.ends_answer


def test_the_answer_to_a_publication_is_what_comes_to_its_reply_subject() -> None:
    talk = logged_in()
    told(talk, "sent", b"SUB _INBOX.a.* 1\r\nSUB orders.> 2\r\n")
    (sent,) = told(talk, "sent", b"PUB orders.new _INBOX.a.7 3\r\none\r\n")
    assert facts(sent) == ("PUB", "PUB orders.new", "query", 2, False)
    assert (sent.runs, sent.values) == (True, (b"one",))
    assert talk.unanswered(3) == 1
    delivered, answer = told(talk, "answered", b"MSG orders.new 2 3\r\none\r\nMSG _INBOX.a.7 1 2\r\n{}\r\n")
    assert facts(delivered) == ("MSG", "MSG orders.new", "idle", 0, False)
    assert facts(answer) == ("MSG", "PUB orders.new", "query", 2, True)
    assert talk.unanswered(3) == 0


def test_a_publication_without_a_reply_subject_is_never_due_and_a_fetch_is_not_either() -> None:
    talk = logged_in()
    (plain,) = told(talk, "sent", b"HPUB orders.new 12 13\r\nNATS/1.0\r\n\r\n1\r\n")
    (fetch,) = told(talk, "sent", b"PUB $JS.API.CONSUMER.MSG.NEXT.ORDERS.w _INBOX.b 2\r\n{}\r\n")
    assert (plain.text, plain.runs, fetch.runs) == ("PUB orders.new", True, False)
    assert talk.unanswered(99) == 0


def test_what_waits_for_an_answer_goes_with_its_subscription_and_is_limited() -> None:
    talk = logged_in()
    told(talk, "sent", b"SUB _INBOX.a 1\r\nPUB x _INBOX.a 0\r\n\r\n")
    assert talk.unanswered(99) == 1
    told(talk, "sent", b"UNSUB 1 1\r\n")
    assert talk.unanswered(99) == 1, "only after one message more"
    told(talk, "sent", b"UNSUB 1\r\n")
    assert talk.unanswered(99) == 0
    told(talk, "sent", b"SUB _INBOX.> 2\r\n" + b"PUB x _INBOX.b 0\r\n\r\n" * (DUE_MAX + 5))
    assert talk.unanswered(DUE_MAX * 2) == DUE_MAX


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("503", b"HMSG _INBOX.a.7 9 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"),
        ("10023", b"insufficient resources"),
    ],
)
def test_an_error_is_what_jetstream_says_to_the_reply_subject(code: str, answer: bytes) -> None:
    talk = logged_in()
    told(talk, "sent", b"SUB _INBOX.a.* 9\r\n")
    (sent,) = told(talk, "sent", b"PUB orders.new _INBOX.a.7 3\r\none\r\n")
    failure = talk.fail(sent, ServerError(code))
    assert answer in failure.to_service
    (said,) = told(talk, "answered", failure.to_service)
    assert said.text == "PUB orders.new"
    found = error_of(said)
    assert found is not None
    assert found.code == code


def test_a_publication_that_asks_for_no_answer_is_refused_as_the_server_does() -> None:
    talk = logged_in()
    (sent,) = told(talk, "sent", b"PUB orders.new 3\r\none\r\n")
    assert talk.fail(sent, ServerError("10008", "no")).to_service == b"-ERR 'no'\r\n"
    (said,) = told(talk, "answered", b"-ERR 'Permissions Violation'\r\n")
    assert error_of(said) == ServerError("ERR", "Permissions Violation")


@pytest.mark.parametrize(
    ("error", "message", "key"),
    [
        (ServerError("40001"), None, "code"),
        (ServerError("503", "", True), None, "fatal"),
        (ServerError("503"), "SUB", "message"),
    ],
)
def test_what_no_server_says_is_refused(error: ServerError, message: str | None, key: str) -> None:
    with pytest.raises(UsageError, match=f"here: {key} = "):
        check_error("here", error, message)


def test_whose_turn_it_is_before_the_login() -> None:
    talk = NatsConversation()
    assert talk.outside(None).due == "answered"
    told(talk, *LOGIN[0])
    assert talk.outside(None).due == "sent"
    assert logged_in().outside(None).due is None


@pytest.mark.parametrize(
    "data",
    [b"HELLO there\r\n", b"PUB a\r\n", b"PUB a x\r\n", b"HPUB a 9 3\r\n", b"\r\n\r\n\r\n\r\n\r\n", b"PUB a -1\r\n"],
)
def test_what_is_not_nats_is_garbage(data: bytes) -> None:
    spans = LinesFramer().feed(data)
    assert spans[-1].frame.name == GARBAGE


def test_a_long_body_is_named_by_its_line() -> None:
    framer = LinesFramer()
    (span,) = framer.feed(b"pub a 100000\r\n" + b"x" * HEAD_MAX)
    assert (span.frame.name, span.last) == ("PUB", False)
    assert framer.feed(b"x" * (100000 - HEAD_MAX) + b"\r\n")[0].last


@pytest.mark.parametrize(
    ("pattern", "subject", "yes"),
    [("a.*", "a.b", True), ("a.*", "a.b.c", False), ("a.>", "a.b.c", True), ("a.>", "a", False), ("a", "a.b", False)],
)
def test_which_subscription_gets_a_subject(pattern: str, subject: str, yes: bool) -> None:
    assert fits(pattern, subject) is yes


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("PUB orders.msg_89ad910ab88e_000010", "PUB orders"),
        ("PUB $JS.ACK.ORDERS.worker.1.22", "PUB $JS.ACK.ORDERS.worker"),
        ("PUB orders.new", "PUB orders.new"),
        ("PUB _INBOX.a.b", "PUB"),
    ],
)
def test_a_subject_is_found_again_by_what_stays_of_it(text: str, beginning: str) -> None:
    assert beginning_of(text) == beginning
    assert SEARCHED.of("nats").beginning([text, text]) == beginning


def test_the_shape_of_a_subject_has_no_ids() -> None:
    assert shape_of("PUB $JS.ACK.ORDERS.w.1.22.3.179.0") == "PUB $JS.ACK.ORDERS.w.n.n.n.n.n"
    assert shape_of("PUB _INBOX.Xy.z") == "PUB ?"
    assert shape_of("PUB orders.msg_89ad910ab88e_000010") == "PUB orders.?"
    assert shape_of("PING") == "PING"
    assert json.dumps(shape_of("")) == '""'
