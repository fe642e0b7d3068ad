from __future__ import annotations

import pytest

from harness.protocols.contract.message import Conversation
from harness.protocols.contract.speech import conversation
from tests.protocols.reading import exchanges, last_answers, names, say
from tests.protocols.redis.test_framing import bulk, command

OK = b"+OK\r\n"
HELLO_3 = b"%1\r\n" + bulk(b"proto") + b":3\r\n"


def words(text: str) -> bytes:
    return command(*text.encode().split())


def values(kind: bytes, *parts: bytes | int | None) -> bytes:
    items = [
        b":%d\r\n" % part if isinstance(part, int) else b"$-1\r\n" if part is None else bulk(part) for part in parts
    ]
    return kind + b"%d\r\n" % len(items) + b"".join(items)


def in_resp3() -> Conversation:
    talk = conversation("redis")
    say(talk, "sent", words("HELLO 3"))
    assert last_answers(say(talk, "answered", HELLO_3)) == [1]
    return talk


def test_the_startup_ends_with_the_first_other_command() -> None:
    talk = conversation("redis")
    sent = say(talk, "sent", *map(words, ("HELLO 3", "CLIENT SETINFO LIB-NAME x", "SELECT 1", "get k", "SELECT 2")))
    assert [each.phase for each in sent] == ["startup"] * 3 + ["query"] * 2
    assert [each.text for each in sent][2:4] == ["SELECT 1", "GET k"]
    assert all(each.runs for each in sent)
    answers = say(talk, "answered", HELLO_3, OK, OK, b"_\r\n", OK)
    assert [each.phase for each in answers] == ["startup"] * 3 + ["query"] * 2
    assert last_answers(answers) == [1, 2, 3, 4, 5]


def test_pipelined_commands_are_answered_in_order() -> None:
    talk = conversation("redis")
    sent = say(talk, "sent", words("SET key value EX 60"), words("INCR n"), b"PING\r\n")
    assert [(each.name, each.text, each.values) for each in sent] == [
        ("SET", "SET key value EX 60", [b"key", b"value", b"EX", b"60"]),
        ("INCR", "INCR n", [b"n"]),
        ("PING", "PING", []),
    ]
    assert [talk.unanswered(exchange) for exchange in (1, 2, 3)] == [0, 1, 2]
    answers = say(talk, "answered", OK, b"-ERR no\r\n", b"+PONG\r\n")
    assert [(each.text, each.exchange) for each in answers] == [("SET key value EX 60", 1), ("INCR n", 2), ("PING", 3)]
    assert talk.unanswered(4) == 0


def test_a_transaction_is_answered_command_by_command() -> None:
    talk = conversation("redis")
    say(talk, "sent", *map(words, ("MULTI", "SET a 1", "EXEC")))
    answers = say(talk, "answered", OK, b"+QUEUED\r\n", b"*1\r\n" + OK)
    assert [(each.text, each.ends_answer) for each in answers] == [("MULTI", True), ("SET a 1", True), ("EXEC", True)]


def test_a_push_answers_nothing() -> None:
    talk = in_resp3()
    say(talk, "sent", words("GET k"))
    answers = say(talk, "answered", values(b">", b"invalidate", b"k"), bulk(b"v"), values(b">", b"message", b"c", b"m"))
    assert exchanges(answers) == [0, 2, 0]
    assert [each.phase for each in answers] == ["query", "query", "idle"]


@pytest.mark.parametrize("kind", [b"*", b">"])
def test_a_subscription_is_answered_once_for_each_channel(kind: bytes) -> None:
    talk = conversation("redis") if kind == b"*" else in_resp3()
    (sent,) = say(talk, "sent", words("SUBSCRIBE a b"))
    first = say(talk, "answered", values(kind, b"subscribe", b"a", 1), values(kind, b"message", b"a", b"hello"))
    second = say(talk, "answered", values(kind, b"subscribe", b"b", 2), values(kind, b"message", b"b", b"hello"))
    assert [(each.exchange, each.ends_answer) for each in [*first, *second]] == [
        (sent.exchange, False), (0, False), (sent.exchange, True), (0, False)
    ]  # fmt: skip
    (ping, leave) = say(talk, "sent", words("PING"), words("UNSUBSCRIBE"))
    pong = values(b"*", b"pong", b"") if kind == b"*" else b"+PONG\r\n"
    answers = say(
        talk, "answered", pong, *(values(kind, b"unsubscribe", each, 1 - n) for n, each in enumerate((b"a", b"b")))
    )
    assert exchanges(answers) == [ping.exchange, leave.exchange, leave.exchange]
    assert last_answers(answers) == [ping.exchange, leave.exchange]
    (read,) = say(talk, "sent", words("LRANGE l 0 -1"))
    assert last_answers(say(talk, "answered", values(b"*", b"message", b"x", b"y"))) == [read.exchange]


def test_leaving_no_channel_at_all_is_answered_once() -> None:
    talk = conversation("redis")
    say(talk, "sent", words("PUNSUBSCRIBE"), words("GET k"))
    assert last_answers(say(talk, "answered", values(b"*", b"punsubscribe", None, 0), bulk(b"v"))) == [1, 2]


def test_a_refused_subscription_is_answered_by_one_error() -> None:
    talk = conversation("redis")
    say(talk, "sent", words("SUBSCRIBE a b c"), words("PING"))
    assert last_answers(say(talk, "answered", b"-NOPERM no\r\n", b"+PONG\r\n")) == [1, 2]


def test_after_a_refused_subscription_there_is_nothing_to_leave() -> None:
    talk = conversation("redis")
    say(talk, "sent", words("SUBSCRIBE a b c"))
    say(talk, "answered", b"-NOPERM no\r\n")
    say(talk, "sent", words("UNSUBSCRIBE"), words("GET k"))
    assert last_answers(say(talk, "answered", values(b"*", b"unsubscribe", None, 0), bulk(b"v"))) == [2, 3]


def test_fewer_replies_than_channels_do_not_shift_those_after_them() -> None:
    talk = in_resp3()
    say(talk, "sent", words("SUBSCRIBE a b"), words("GET k"))
    answers = say(talk, "answered", values(b">", b"subscribe", b"a", 1), bulk(b"v"))
    assert [each.text for each in answers] == ["SUBSCRIBE a b", "GET k"]


def test_a_subscription_in_a_transaction_is_queued_once() -> None:
    talk = conversation("redis")
    say(talk, "sent", *map(words, ("MULTI", "SUBSCRIBE a b", "DISCARD")))
    assert last_answers(say(talk, "answered", OK, b"+QUEUED\r\n", OK)) == [1, 2, 3]


def test_a_reset_ends_resp3() -> None:
    talk = in_resp3()
    say(talk, "sent", words("RESET"), words("SUBSCRIBE a"))
    subscribed = values(b"*", b"subscribe", b"a", 1), values(b"*", b"message", b"a", b"hello")
    assert exchanges(say(talk, "answered", b"+RESET\r\n", *subscribed)) == [2, 3, 0]


def test_in_resp3_a_subscribed_connection_reads_lists_that_look_like_messages() -> None:
    talk = in_resp3()
    say(talk, "sent", words("SUBSCRIBE a"), words("LRANGE l 0 -1"))
    answers = say(talk, "answered", values(b">", b"subscribe", b"a", 1), values(b"*", b"message", b"a", b"hello"))
    assert last_answers(answers) == [2, 3]


def test_replies_that_are_switched_off_are_not_due() -> None:
    talk = conversation("redis")
    say(talk, "sent", *map(words, ("CLIENT REPLY SKIP", "SET a 1", "GET a")))
    assert [each.text for each in say(talk, "answered", bulk(b"1"))] == ["GET a"]
    say(talk, "sent", *map(words, ("CLIENT REPLY OFF", "SET a 2", "CLIENT REPLY ON", "GET a")))
    assert [each.text for each in say(talk, "answered", OK, bulk(b"2"))] == ["CLIENT REPLY ON", "GET a"]
    assert talk.unanswered(99) == 0


def test_a_reset_ends_a_subscription_and_switches_replies_on() -> None:
    talk = conversation("redis")
    say(talk, "sent", words("SUBSCRIBE a"), words("RESET"))
    assert last_answers(say(talk, "answered", values(b"*", b"subscribe", b"a", 1), b"+RESET\r\n")) == [1, 2]
    say(talk, "sent", words("LRANGE l 0 -1"))
    assert last_answers(say(talk, "answered", values(b"*", b"message", b"a", b"hello"))) == [3]


def test_a_command_that_never_reached_the_server_is_answered_by_nothing() -> None:
    talk = conversation("redis")
    sent = say(talk, "sent", words("GET a"), words("GET b"))
    talk.withdraw(sent[0])
    assert [each.text for each in say(talk, "answered", bulk(b"b"))] == ["GET b"]


def test_what_has_no_words_is_no_command() -> None:
    talk = conversation("redis")
    assert [(each.name, each.exchange) for each in say(talk, "sent", b"\r\n*0\r\n", words("PING"))] == [
        ("empty", 0), ("empty", 0), ("PING", 1)
    ]  # fmt: skip


def test_a_text_is_cut_and_the_values_are_not() -> None:
    talk = conversation("redis")
    (sent,) = say(talk, "sent", command(b"SET", b"k", b"x" * 5000))
    assert (len(sent.text), len(sent.values[1])) == (2000, 5000)


def test_inline_words_lose_their_quotes() -> None:
    (sent,) = say(conversation("redis"), "sent", b"set k 'it\\'s' \"a\\x41\\n\"\r\n")
    assert sent.values == [b"k", b"it's", b"aA\n"]


def test_bytes_that_are_no_message_answer_nothing() -> None:
    talk = conversation("redis")
    say(talk, "sent", words("GET a"))
    (noise,) = say(talk, "answered", b"what\r\n")
    assert (noise.name, noise.exchange, noise.text) == ("garbage", 0, "")
    assert names(say(talk, "sent", b"*x\r\n")) == ["garbage"]
