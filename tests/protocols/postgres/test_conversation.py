from __future__ import annotations

import uuid

import pytest

from harness.protocols.contract.message import Conversation
from harness.protocols.contract.speech import conversation
from tests.protocols.postgres import words
from tests.protocols.reading import exchanges, last_answers, names, say

INSERT = "INSERT INTO deliveries VALUES ($1, $2)"


def started() -> Conversation:
    talk = conversation("postgres")
    say(talk, "sent", words.startup())
    say(talk, "answered", words.OK)
    return talk


def test_phases_from_the_first_byte_to_the_first_statement() -> None:
    talk = conversation("postgres")
    phases = [(each.name, each.phase) for each in say(talk, "sent", words.SSL_REQUEST)]
    phases += [(each.name, each.phase) for each in say(talk, "answered", b"N")]
    phases += [(each.name, each.phase) for each in say(talk, "sent", words.startup(2))]
    greeting = words.typed(b"v", bytes(8)), words.authentication(10, b"SCRAM-SHA-256\0\0")
    phases += [(each.name, each.phase) for each in say(talk, "answered", *greeting)]
    phases += [(each.name, each.phase) for each in say(talk, "sent", words.typed(b"p", b"SCRAM"))]
    answers = words.authentication(12), words.authentication(0), words.PARAMETER, words.typed(b"K", bytes(8))
    phases += [(each.name, each.phase) for each in say(talk, "answered", *answers, words.READY)]
    phases += [(each.name, each.phase) for each in say(talk, "sent", words.query("SELECT 1"))]
    assert phases == [
        ("SSLRequest", "startup"),
        ("SSLAnswer", "startup"),
        ("StartupMessage", "startup"),
        ("NegotiateProtocolVersion", "startup"),
        ("AuthenticationSASL", "authentication"),
        ("SASLInitialResponse", "authentication"),
        ("AuthenticationSASLFinal", "authentication"),
        ("AuthenticationOk", "authentication"),
        ("ParameterStatus", "startup"),
        ("BackendKeyData", "startup"),
        ("ReadyForQuery", "startup"),
        ("Query", "query"),
    ]


def test_a_refusal_at_authentication_belongs_to_it_and_to_no_exchange() -> None:
    talk = conversation("postgres")
    say(talk, "sent", words.startup())
    (refusal,) = say(talk, "answered", words.error("28P01", "FATAL"))
    assert (refusal.phase, refusal.exchange, refusal.ends_answer) == ("authentication", 0, False)


def test_prepare_then_bind_and_execute_as_asyncpg_does() -> None:
    talk = started()
    sent = say(talk, "sent", words.parse("s1", INSERT), words.describe("S", "s1"), words.FLUSH, words.SYNC)
    assert [(each.text, each.runs, each.exchange) for each in sent] == [
        (INSERT, False, 1), (INSERT, False, 1), ("", False, 1), ("", False, 1)
    ]  # fmt: skip
    answers = say(talk, "answered", words.PARSED, words.PARAMETERS, words.NO_DATA, words.READY)
    assert exchanges(answers) == [1, 1, 1, 1]
    assert [each.ends_answer for each in answers] == [False, False, False, True]
    sent = say(talk, "sent", words.bind("", "s1", [None, b"id-1"]), words.execute(), words.SYNC)
    assert [(each.text, each.values, each.runs, each.exchange) for each in sent] == [
        (INSERT, (b"", b"id-1"), False, 2), (INSERT, (b"", b"id-1"), True, 2), ("", (), False, 2)
    ]  # fmt: skip
    answers = say(talk, "answered", words.BOUND, words.complete("INSERT 0 1"), words.READY)
    assert [(each.text, each.values) for each in answers] == [(INSERT, (b"", b"id-1"))] * 3
    assert last_answers(answers) == [2]


def test_named_portals_are_resolved_each_to_its_own_statement() -> None:
    talk = started()
    say(talk, "sent", words.parse("a", "SELECT 1"), words.parse("b", "SELECT 2"))
    say(talk, "sent", words.bind("p", "a", [b"x"], formats=0), words.bind("q", "b"))
    sent = say(talk, "sent", words.execute("q"), words.execute("p"), words.describe("P", "p"), words.close("S", "b"))
    assert [(each.text, each.values) for each in sent] == [
        ("SELECT 2", ()), ("SELECT 1", (b"x",)), ("SELECT 1", ()), ("SELECT 2", ())
    ]  # fmt: skip
    assert [each.text for each in say(talk, "sent", words.execute("unheard-of"))] == [""]


def test_pipelined_executions_are_one_exchange_and_each_answer_is_its_own() -> None:
    talk = started()
    say(talk, "sent", words.parse("s", INSERT))
    for delivery in (b"1", b"2", b"3"):
        say(talk, "sent", words.bind("", "s", [delivery]), words.execute())
    say(talk, "sent", words.SYNC)
    answers = say(talk, "answered", words.PARSED, *[words.BOUND, words.complete("INSERT 0 1")] * 3, words.READY)
    done = [each.values for each in answers if each.name == "CommandComplete"]
    assert done == [(b"1",), (b"2",), (b"3",)]
    assert last_answers(answers) == [1]


def test_several_syncs_in_flight_are_answered_in_order() -> None:
    talk = started()
    for sql in ("SELECT 1", "SELECT 2", "SELECT 3"):
        say(talk, "sent", words.parse("", sql), words.bind("", ""), words.execute(), words.SYNC)
    assert [talk.unanswered(exchange) for exchange in (1, 2, 3, 4)] == [0, 1, 2, 3]
    one = (words.PARSED, words.BOUND, words.complete("SELECT 1"), words.READY)
    assert [(each.exchange, each.text) for each in say(talk, "answered", *one)] == [(1, "SELECT 1")] * 4
    assert talk.unanswered(3) == 1
    assert [(each.exchange, each.text) for each in say(talk, "answered", *one)] == [(2, "SELECT 2")] * 4
    assert last_answers(say(talk, "answered", *one)) == [3]
    assert talk.unanswered(4) == 0


def test_an_error_skips_to_the_sync_of_its_own_exchange() -> None:
    talk = started()
    for sql in ("SELEKT", "SELECT 2"):
        say(talk, "sent", words.parse("", sql), words.bind("", ""), words.execute(), words.SYNC)
    answers = say(talk, "answered", words.error(), words.READY)
    assert [(each.name, each.text, each.exchange, each.ends_answer) for each in answers] == [
        ("ErrorResponse", "SELEKT", 1, False), ("ReadyForQuery", "SELEKT", 1, True)
    ]  # fmt: skip
    answers = say(talk, "answered", words.PARSED, words.BOUND, words.complete("SELECT 1"), words.READY)
    assert exchanges(answers) == [2] * 4
    assert last_answers(answers) == [2]


def test_what_is_sent_after_an_error_and_before_the_sync_is_not_due() -> None:
    talk = started()
    say(talk, "sent", words.parse("", "SELEKT"), words.FLUSH)
    assert exchanges(say(talk, "answered", words.error())) == [1]
    assert exchanges(say(talk, "sent", words.bind("", ""), words.execute(), words.SYNC)) == [1, 1, 1]
    assert last_answers(say(talk, "answered", words.READY)) == [1]
    say(talk, "sent", words.query("SELECT 1"))
    assert last_answers(say(talk, "answered", words.ROWS, words.ROW, words.complete("SELECT 1"), words.READY)) == [2]


def test_an_error_passes_over_a_simple_query_up_to_the_sync() -> None:
    talk = started()
    say(talk, "sent", words.parse("", "SELEKT"), words.query("SELECT 1"), words.SYNC, words.query("SELECT 2"))
    answers = say(talk, "answered", words.error(), words.READY, words.ROWS, words.complete("SELECT 1"), words.READY)
    assert last_answers(answers) == [1, 3]
    assert [each.text for each in answers[2:]] == ["SELECT 2"] * 3


@pytest.mark.parametrize("late", [False, True])
def test_an_exchange_that_failed_goes_on_to_its_sync_even_past_a_simple_query(late: bool) -> None:
    talk = started()
    say(talk, "sent", words.parse("", "SELEKT"), *(() if late else (words.query("SELECT 1"),)))
    say(talk, "answered", words.error())
    rest = say(talk, "sent", *((words.query("SELECT 1"),) if late else ()), words.SYNC)
    assert set(exchanges(rest)) == {1}
    assert last_answers(say(talk, "answered", words.READY)) == [1]
    assert talk.unanswered(99) == 0


def test_a_failure_at_the_sync_itself_is_followed_by_its_ready_for_query() -> None:
    talk = started()
    say(talk, "sent", words.parse("", INSERT), words.bind("", ""), words.execute(), words.SYNC)
    answers = [words.PARSED, words.BOUND, words.complete("INSERT 0 1"), words.error("23503"), words.READY]
    assert last_answers(say(talk, "answered", *answers)) == [1]


def test_several_statements_in_one_query_are_one_exchange() -> None:
    talk = started()
    (sent,) = say(talk, "sent", words.query("BEGIN; INSERT INTO t VALUES (1); COMMIT"))
    tags = map(words.complete, ("BEGIN", "INSERT 0 1", "COMMIT"))
    answers = say(talk, "answered", *tags, words.READY)
    assert {each.text for each in answers} == {sent.text}
    assert last_answers(answers) == [1]
    assert {sent.phase, *(each.phase for each in answers)} == {"commit"}


def test_an_error_in_a_query_is_followed_by_ready_for_query() -> None:
    talk = started()
    say(talk, "sent", words.query("SELECT 1; SELEKT"), words.query(""))
    answers = [words.ROWS, words.ROW, words.complete("SELECT 1"), words.error(), words.READY]
    assert last_answers(say(talk, "answered", *answers)) == [1]
    assert last_answers(say(talk, "answered", words.typed(b"I"), words.READY)) == [2]


@pytest.mark.parametrize("sql", ["COMMIT", "end", "PREPARE TRANSACTION 'x'"])
def test_the_commit_and_the_answer_to_it_are_their_own_phase(sql: str) -> None:
    talk = started()
    (simple,) = say(talk, "sent", words.query(sql))
    prepared = say(talk, "sent", words.parse("", sql), words.bind("", ""), words.execute(), words.SYNC)
    answers = say(talk, "answered", words.complete("COMMIT"), words.READY)
    answers += say(talk, "answered", words.PARSED, words.BOUND, words.complete("COMMIT"), words.READY)
    assert {each.phase for each in [simple, *prepared, *answers]} == {"commit"}
    after = say(talk, "sent", words.parse("", "SELECT 1"), words.SYNC)
    assert [each.phase for each in after] == ["query", "query"]


def test_a_commit_in_a_pipeline_is_told_from_the_statement_before_it() -> None:
    talk = started()
    say(talk, "sent", words.parse("i", INSERT), words.parse("c", "COMMIT"))
    sent = say(talk, "sent", words.bind("", "i"), words.execute(), words.bind("", "c"), words.execute(), words.SYNC)
    assert [each.phase for each in sent] == ["query", "query", "commit", "commit", "commit"]
    bound = words.BOUND, words.complete("INSERT 0 1"), words.BOUND, words.complete("COMMIT"), words.READY
    answers = say(talk, "answered", words.PARSED, words.PARSED, *bound)
    assert [each.phase for each in answers] == ["query", "commit", "query", "query", "commit", "commit", "commit"]


def test_copy_in_by_a_simple_query() -> None:
    talk = started()
    say(talk, "sent", words.query("COPY t FROM STDIN"))
    answers = say(talk, "answered", words.COPY_IN)
    sent = say(talk, "sent", words.COPY_DATA, words.COPY_DATA, words.COPY_DONE)
    assert [(each.text, each.exchange, each.runs) for each in sent] == [("COPY t FROM STDIN", 1, False)] * 3
    answers += say(talk, "answered", words.complete("COPY 2"), words.READY)
    assert last_answers(answers) == [1]
    assert exchanges(say(talk, "sent", words.query("SELECT 1"))) == [2]


def test_copy_in_that_fails_drops_the_rest_of_the_data() -> None:
    talk = started()
    say(talk, "sent", words.query("COPY t FROM STDIN"))
    say(talk, "answered", words.COPY_IN)
    assert last_answers(say(talk, "answered", words.error("22P04"), words.READY)) == [1]
    assert exchanges(say(talk, "sent", words.COPY_DATA, words.COPY_FAIL)) == [0, 0]
    say(talk, "sent", words.query("SELECT 1"))
    assert last_answers(say(talk, "answered", words.complete("SELECT 0"), words.READY)) == [2]


def test_data_that_came_before_a_copy_failed_leave_nothing_due() -> None:
    talk = started()
    say(talk, "sent", words.query("COPY nowhere FROM STDIN"), words.COPY_DATA, words.COPY_DONE, words.query("SELEKT"))
    assert last_answers(say(talk, "answered", words.error("42P01"), words.READY)) == [1]
    assert [each.text for each in say(talk, "answered", words.error(), words.READY)] == ["SELEKT", "SELEKT"]


@pytest.mark.parametrize("early", [False, True])
def test_a_sync_before_the_end_of_the_copied_data_is_not_answered(early: bool) -> None:
    """As libpq does it: a Sync after Execute, which the server passes over, and another after CopyDone."""
    talk = started()
    begun = words.parse("", "COPY t FROM STDIN"), words.bind("", ""), words.execute(), words.SYNC
    data = words.COPY_DATA, words.COPY_DONE, words.SYNC
    say(talk, "sent", *begun, *(data if early else ()))
    answers = say(talk, "answered", words.PARSED, words.BOUND, words.COPY_IN)
    if not early:
        assert exchanges(say(talk, "sent", *data)) == [1, 1, 1]
    answers += say(talk, "answered", words.complete("COPY 1"), words.READY)
    assert exchanges(answers) == [1] * 5
    assert last_answers(answers) == [1]
    assert talk.unanswered(99) == 0


def test_a_sync_amid_the_copied_data_is_not_answered() -> None:
    talk = started()
    say(talk, "sent", words.parse("", "COPY t FROM STDIN"), words.bind("", ""), words.execute())
    answers = say(talk, "answered", words.PARSED, words.BOUND, words.COPY_IN)
    sent = say(talk, "sent", words.COPY_DATA, words.SYNC, words.COPY_DATA, words.COPY_DONE, words.SYNC)
    assert set(exchanges(sent)) == {1}
    answers += say(talk, "answered", words.complete("COPY 2"), words.READY)
    assert last_answers(answers) == [1]
    assert talk.unanswered(99) == 0


def test_copy_out_and_copy_both() -> None:
    talk = started()
    say(talk, "sent", words.query("COPY t TO STDOUT"), words.query("START_REPLICATION"))
    out = [words.COPY_OUT, words.COPY_DATA, words.COPY_DONE, words.complete("COPY 1"), words.READY]
    assert last_answers(say(talk, "answered", *out)) == [1]
    assert exchanges(say(talk, "answered", words.COPY_BOTH, words.COPY_DATA)) == [2, 2]
    assert exchanges(say(talk, "sent", words.COPY_DATA, words.COPY_DONE)) == [2, 2]
    done = say(talk, "answered", words.COPY_DONE, words.complete("START_REPLICATION"), words.READY)
    assert last_answers(done) == [2]


def test_what_nobody_asked_for_answers_nothing() -> None:
    talk = started()
    (idle,) = say(talk, "answered", words.NOTIFICATION)
    assert (idle.exchange, idle.phase, idle.text) == (0, "idle", "")
    say(talk, "sent", words.query("LISTEN channel"))
    answers = say(talk, "answered", words.NOTICE, words.complete("LISTEN"), words.PARAMETER, words.READY)
    assert exchanges(answers) == [0, 1, 0, 1]
    (farewell,) = say(talk, "answered", words.error("57P01", "FATAL"))
    assert (farewell.exchange, farewell.phase) == (0, "idle")


def test_a_fatal_error_is_the_last_answer() -> None:
    talk = started()
    say(talk, "sent", words.parse("", INSERT), words.bind("", ""), words.execute(), words.SYNC)
    answers = say(talk, "answered", words.PARSED, words.error("57P01", "FATAL"))
    assert last_answers(answers) == [1]
    assert talk.unanswered(99) == 0


def test_a_portal_that_pauses_goes_on_in_the_next_exchange() -> None:
    talk = started()
    say(talk, "sent", words.parse("", "SELECT 1"), words.bind("p", ""), words.execute("p"), words.SYNC)
    paused = [words.PARSED, words.BOUND, words.ROW, words.typed(b"s"), words.READY_IN_TRANSACTION]
    assert last_answers(say(talk, "answered", *paused)) == [1]
    (again, _) = say(talk, "sent", words.execute("p"), words.SYNC)
    assert (again.text, again.exchange) == ("SELECT 1", 2)
    assert last_answers(say(talk, "answered", words.ROW, words.complete("SELECT 1"), words.READY)) == [2]


def test_a_function_call_is_an_exchange() -> None:
    talk = started()
    (call,) = say(talk, "sent", words.typed(b"F", b"\0\0\3\xbf" + bytes(6)))
    assert (call.text, call.runs) == ("function 959", True)
    assert last_answers(say(talk, "answered", words.typed(b"V", b"\xff" * 4), words.READY)) == [1]


def test_what_never_reached_the_server_is_answered_by_nothing() -> None:
    talk = started()
    (lost,) = say(talk, "sent", words.query("SELECT 1"))
    talk.withdraw(lost)
    say(talk, "sent", words.query("SELECT 2"))
    answers = say(talk, "answered", words.complete("SELECT 1"), words.READY)
    assert [(each.text, each.exchange) for each in answers] == [("SELECT 2", 2)] * 2


def test_an_exchange_whose_sync_was_lost_goes_on() -> None:
    talk = started()
    sent = say(talk, "sent", words.parse("", "SELECT 1"), words.SYNC)
    talk.withdraw(sent[-1])
    assert exchanges(say(talk, "sent", words.bind("", ""), words.execute(), words.SYNC)) == [1, 1, 1]
    answers = say(talk, "answered", words.PARSED, words.BOUND, words.complete("SELECT 1"), words.READY)
    assert last_answers(answers) == [1]


def test_an_answer_that_never_came_does_not_shift_those_after_it() -> None:
    talk = started()
    say(talk, "sent", words.parse("", "SELECT 1"), words.bind("", ""), words.execute(), words.SYNC)
    say(talk, "sent", words.query("SELECT 2"))
    assert last_answers(say(talk, "answered", words.PARSED, words.READY)) == [1]
    assert exchanges(say(talk, "answered", words.BOUND)) == [0]
    assert last_answers(say(talk, "answered", words.complete("SELECT 1"), words.READY)) == [2]


def test_a_number_and_a_uuid_that_are_bound_in_binary_are_found_as_text() -> None:
    number, named = 7_370_000_000_000_001, uuid.uuid4()
    (bound,) = say(started(), "sent", words.bind("", "s1", [number.to_bytes(8), b"id-1", named.bytes]))
    assert bound.values[:3] == (number.to_bytes(8), b"id-1", named.bytes)
    assert bound.values[3:] == (b"7370000000000001", str(named).encode())


def test_an_answer_is_never_taken_for_one_of_a_later_exchange() -> None:
    talk = started()
    say(talk, "sent", words.parse("", "SELECT 1"), words.SYNC, words.query("SELECT 2"))
    assert exchanges(say(talk, "answered", words.ROW, words.PARSED, words.READY)) == [0, 1, 1]
    assert last_answers(say(talk, "answered", words.complete("SELECT 1"), words.READY)) == [2]


def test_text_that_is_longer_than_a_head_is_cut() -> None:
    talk = started()
    (large,) = say(talk, "sent", words.query("SELECT '" + "x" * 100_000 + "'"))
    assert len(large.text) == 65536 - 5
    (bound,) = say(talk, "sent", words.bind("", "", [b"x" * 100_000, b"y"]))
    assert [len(value) for value in bound.values] == [65536 - 5 - 2 - 2 - 2 - 2 - 4]


def test_bytes_that_are_no_message_answer_nothing() -> None:
    talk = started()
    (noise,) = say(talk, "answered", b"\0\0\0")
    assert (noise.name, noise.exchange, noise.text) == ("garbage", 0, "")
    (noise,) = say(talk, "sent", b"\xff")
    assert (noise.name, noise.runs) == ("garbage", False)
    assert names(say(started(), "sent", words.TERMINATE)) == ["Terminate"]
