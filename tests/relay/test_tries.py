"""How often a statement was sent for one subject, and how each try ended, as the relay sees it."""

from __future__ import annotations

import pytest

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.speech import SPEECH
from harness.relay import Action, Cut, Direction, Drop, Fail, Hold, Stall, Tally
from harness.relay.rules import tries_counter
from tests.protocols.postgres import words as pg
from tests.relay.engines import BEGIN, BEGUN, COMMIT, COMMITTED, Bed, Wire, redis_started, started

SUBJECTS = r"msg_\d+"
INSERT = "INSERT INTO t VALUES ($1, $2)"
SHAPE = "INSERT INTO t VALUES (?)"
PREPARE = pg.parse("s", INSERT) + pg.SYNC
INSERTED = pg.BOUND + pg.complete("INSERT 0 1") + pg.READY
DENIED = pg.error("42501") + pg.READY


def insert(subject: str) -> bytes:
    return pg.bind("", "s", [b"x" * 5000, subject.encode()]) + pg.execute() + pg.SYNC


def command(*words: str) -> bytes:
    parts = [f"${len(word)}\r\n{word}\r\n" for word in words]
    return f"*{len(words)}\r\n{''.join(parts)}".encode()


def counting(protocol: str = "postgres") -> Bed:
    bed = Bed(protocol)
    bed.tries.begin(SUBJECTS)
    return bed


def prepared(bed: Bed) -> Wire:
    wire = started(bed)
    wire.sends(PREPARE)
    wire.answers(pg.PARSED + pg.READY)
    return wire


def told(bed: Bed) -> dict[tuple[str, str], list[str]]:
    """The answers of each statement that was sent again, by its subject; read as the harness reads them."""
    data = bed.tries.tally().to_json()
    assert isinstance(data, dict)
    tally = Tally.from_json(data)
    return {(each.subject, each.statement): [one.answer for one in each.tries] for each in tally.tried}


def test_a_statement_that_failed_and_was_sent_again_is_told_with_its_answers() -> None:
    bed = counting()
    wire = prepared(bed)
    wire.sends(insert("msg_0"))
    wire.answers(INSERTED)
    for answer in (pg.error() + pg.READY, DENIED, INSERTED):
        wire.sends(insert("msg_1"))
        wire.answers(answer)
    wire.sends(insert("msg_2"))
    wire.answers(INSERTED)
    assert told(bed) == {("msg_1", SHAPE): ["42601", "42501", "ok"]}
    tally = bed.tries.tally()
    assert (tally.statements, tally.failed, tally.left_out) == (3, 1, 0)
    assert [one.final for one in tally.tried[0].tries] == [True, True, False]
    times = [one.t_ns for one in tally.tried[0].tries]
    assert times == sorted(times)


@pytest.mark.parametrize(("noted", "told"), [(r"own_\d+", ("own_1", "own_2")), ("", ())])
def test_what_is_only_noted_is_told_once_and_not_counted(noted: str, told: tuple[str, ...]) -> None:
    bed = Bed("postgres")
    bed.tries.begin(SUBJECTS, noted)
    wire = prepared(bed)
    for subject in ("own_2", "msg_1", "own_1", "own_2"):
        wire.sends(insert(subject))
        wire.answers(INSERTED)
    data = bed.tries.tally().to_json()
    assert isinstance(data, dict)
    tally = Tally.from_json(data)
    assert (tally.noted, tally.statements) == (told, 1)


def test_what_was_sent_again_although_it_had_not_failed_is_no_retry() -> None:
    bed = counting()
    wire = prepared(bed)
    for _ in range(3):
        wire.sends(insert("msg_1"))
        wire.answers(INSERTED)
    assert (told(bed), bed.tries.tally().failed) == ({}, 0)


def test_an_answer_that_a_connection_takes_with_it_is_lost() -> None:
    bed = counting()
    for _ in range(2):
        wire = prepared(bed)
        wire.sends(insert("msg_1"))
        wire.engine.lost("service")
    last = prepared(bed)
    last.sends(insert("msg_1"))
    assert told(bed) == {("msg_1", SHAPE): ["lost", "lost", ""]}


def test_a_rule_may_want_the_commit_of_what_names_a_delivery() -> None:
    bed = counting()
    bed.arm(Drop(), "sent", "COMMIT", having=b"msg_1")
    worker, wire = prepared(bed), prepared(bed)
    assert worker.sends(BEGIN, COMMIT) == BEGIN + COMMIT, "a worker's, that names nothing"
    worker.answers(BEGUN, COMMITTED)
    wire.sends(insert("msg_1"))
    wire.answers(INSERTED)
    assert worker.sends(insert("msg_2"), COMMIT) == insert("msg_2") + COMMIT
    assert wire.sends(COMMIT) == b""
    assert wire.sends(COMMIT) == COMMIT


def test_a_rule_may_want_the_answer_to_the_commit_of_what_names_a_delivery() -> None:
    bed = counting()
    bed.arm(Drop(), "answered", "COMMIT", having=b"msg_1")
    worker, wire = prepared(bed), prepared(bed)
    for one, subject in ((worker, "msg_2"), (wire, "msg_1")):
        one.sends(insert(subject), COMMIT)
        one.answers(INSERTED)
    assert worker.answers(COMMITTED) == COMMITTED
    assert wire.answers(COMMITTED) == b""


def test_a_recording_knows_what_names_a_delivery() -> None:
    bed = counting()
    bed.sightings.begin()
    wire = prepared(bed)
    wire.sends(BEGIN, insert("msg_1"), COMMIT, COMMIT)
    told = [(each.text.strip(), each.subject) for each in bed.sightings.recorded() if each.runs]
    assert told == [("BEGIN", ""), (INSERT, "msg_1"), ("commit;", "msg_1"), ("commit;", "")]


def test_a_commit_belongs_to_what_its_connection_stored() -> None:
    bed = counting()
    for _ in range(2):
        wire = prepared(bed)
        for sent, answer in ((BEGIN, BEGUN), (insert("msg_1"), INSERTED), (COMMIT, b"")):
            wire.sends(sent)
            wire.answers(answer)
        wire.engine.lost("server")
    other = started(bed)
    other.sends(COMMIT)
    other.answers(COMMITTED)
    assert told(bed) == {("msg_1", "commit"): ["lost", "lost"]}
    assert bed.tries.tally().statements == 2, "the second COMMIT names nobody"


@pytest.mark.parametrize(
    ("direction", "text", "message"),
    [("sent", "INSERT", None), ("sent", "INSERT", "Bind"), ("sent", "COMMIT", None), ("answered", "COMMIT", None),
     ("answered", "INSERT", None), ("answered", "COMMIT", "CommandComplete")],
)  # fmt: skip
def test_a_rule_that_fires_says_what_its_message_is_about(direction: Direction, text: str, message: str | None) -> None:
    subjects = []
    for bed in (counting(), Bed("postgres")):
        bed.arm(Hold(), direction, text, message=message)
        wire = prepared(bed)
        wire.sends(BEGIN)
        wire.answers(BEGUN)
        wire.sends(insert("msg_7"))
        wire.answers(INSERTED)
        wire.sends(COMMIT)
        wire.answers(COMMITTED)
        subjects += [each.subject for each in wire.fired()]
    assert subjects == ["msg_7", ""], "without counting nobody has said what a subject is"


def test_what_the_server_refuses_before_it_runs_is_a_try_too() -> None:
    bed = counting()
    wire = started(bed)
    for _ in range(2):
        wire.sends(pg.parse("", "SELECT nothing") + pg.SYNC)
        wire.answers(DENIED)
    assert told(bed) == {("", "SELECT nothing"): ["42501", "42501"]}


def test_after_an_error_the_rest_of_the_exchange_is_passed_over() -> None:
    bed = counting()
    wire = prepared(bed)
    one = pg.bind("", "s", [b"", b"msg_1"]) + pg.execute()
    other = pg.bind("", "s", [b"", b"msg_2"]) + pg.execute()
    wire.sends(one + other + pg.SYNC)
    wire.answers(pg.BOUND + pg.error() + pg.READY)
    wire.sends(insert("msg_2"))
    wire.answers(pg.error() + pg.READY)
    assert told(bed) == {("msg_2", SHAPE): ["passed over", "42601"]}


def test_an_error_that_the_relay_makes_up_is_an_answer() -> None:
    bed = counting("redis")
    bed.arm(Fail(code="LOADING", text="in our words"), "sent", "SET", always=True)
    wire = redis_started(bed)
    for _ in range(2):
        wire.sends(command("SET", "seen:msg_1", "1"))
    assert told(bed) == {("msg_1", "SET seen:? value"): ["LOADING", "LOADING"]}
    assert [(each.code, each.text) for each in bed.tries.tally().met] == [("LOADING", "in our words")] * 2


def test_an_error_that_the_relay_makes_up_of_http_is_told_in_its_words() -> None:
    bed = counting("http")
    bed.arm(Fail(code="503", text="in our words"), "sent", "POST")
    bed.connect().sends(b"POST /charges/msg_1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    assert [(each.code, each.text) for each in bed.tries.tally().met] == [("503", "in our words")]


def test_a_command_that_is_answered_out_of_turn_was_lost() -> None:
    bed = counting("redis")
    bed.arm(Drop(), "sent", "SET")
    wire = redis_started(bed)
    wire.sends(command("SET", "seen:msg_1", "1"))
    wire.sends(command("SET", "seen:msg_1", "1"))
    wire.answers(b"+OK\r\n")
    assert told(bed) == {("msg_1", "SET seen:? value"): ["lost", "ok"]}


@pytest.mark.parametrize("action", [Cut(), Drop(), Stall(), Hold()], ids=lambda each: each.kind)
def test_an_answer_that_the_service_does_not_get_is_lost(action: Action) -> None:
    bed = counting("redis")
    bed.arm(action, "answered", "SET", always=True)
    for _ in range(2):
        wire = redis_started(bed)
        wire.sends(command("SET", "seen:msg_1", "1"))
        wire.answers(b"+OK\r\n")
        wire.engine.lost("service")
    assert told(bed) == {("msg_1", "SET seen:? value"): ["lost", "lost"]}


def test_what_each_connection_needs_once_is_no_retry() -> None:
    bed = counting("redis")
    for times in (1, 1, 2):
        wire = redis_started(bed)
        for _ in range(times):
            wire.sends(command("GET", "a"))
            wire.answers(b"-WRONGTYPE\r\n")
    assert told(bed) == {("", "GET a"): ["WRONGTYPE", "WRONGTYPE"]}


def test_what_makes_a_session_is_not_counted() -> None:
    bed = counting("redis")
    wire = redis_started(bed)
    for _ in range(2):
        wire.sends(command("CLIENT", "SETINFO", "LIB-NAME", "msg_1"))
        wire.answers(b"-ERR unknown subcommand 'SETINFO'\r\n")
    assert (told(bed), bed.tries.tally().statements) == ({}, 0)


def test_nothing_is_counted_before_it_is_asked_for_and_each_counting_begins_anew() -> None:
    bed = Bed("redis")
    wire = redis_started(bed)
    for again in range(2):
        wire.sends(command("SET", "msg_1", "1"))
        wire.answers(b"-OOM\r\n")
        assert bed.tries.tally().statements == again
        bed.tries.begin(SUBJECTS)
        assert bed.tries.tally().statements == 0


def test_what_is_kept_is_limited_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRIES_MAX", "WORKS_MAX", "TOLD_MAX"):
        monkeypatch.setattr(tries_counter, name, {"TRIES_MAX": 5, "WORKS_MAX": 3, "TOLD_MAX": 2}[name])
    bed = counting("redis")
    wire = redis_started(bed)
    for subject, times in (("msg_1", 2), ("msg_2", 7), ("msg_3", 3), ("msg_4", 2)):
        for _ in range(times):
            wire.sends(command("SET", subject, "1"))
            wire.answers(b"-OOM\r\n")
    tally = bed.tries.tally()
    assert [(each.subject, len(each.tries), each.more) for each in tally.tried] == [("msg_2", 5, 2), ("msg_3", 3, 0)]
    assert tally.left_out == 1 + 2


FINAL = [
    ("postgres", "42501", "", True), ("postgres", "22P02", "", True), ("postgres", "23514", "", True),
    ("postgres", "23505", "", False), ("postgres", "0A000", "", False), ("postgres", "42P05", "", False),
    ("postgres", "40001", "", False), ("postgres", "57P03", "", False), ("postgres", "53300", "", False),
    ("redis", "WRONGTYPE", "", True), ("redis", "ERR", "unknown command 'X'", True), ("redis", "NOSCRIPT", "", False),
    ("redis", "ERR", "max number of clients reached", False), ("redis", "LOADING", "", False),
    ("http", "400", "", True), ("http", "422", "", True), ("http", "401", "", False), ("http", "404", "", False),
    ("http", "429", "", False), ("http", "503", "", False), ("tcp", "1", "", False),
]  # fmt: skip


@pytest.mark.parametrize(("protocol", "code", "text", "final"), FINAL)
def test_an_error_is_final_only_if_the_same_again_would_certainly_fail(
    protocol: str, code: str, text: str, final: bool
) -> None:
    assert SPEECH.of(protocol).is_final(ServerError(code, text)) is final


def test_a_failing_response_is_an_error_of_its_request() -> None:
    bed = counting("http")
    wire = bed.connect()
    for status in ("503 Service Unavailable", "200 OK"):
        wire.sends(b"POST /charges/msg_1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        wire.answers(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
    ((key, answers),) = told(bed).items()
    assert (key[0], answers) == ("msg_1", ["503", "ok"])


def test_a_bulk_error_of_redis_has_its_code() -> None:
    bed = counting("redis")
    wire = redis_started(bed)
    for _ in range(2):
        wire.sends(command("GET", "msg_1"))
        wire.answers(b"!10\r\nSYNTAX bad\r\n")
    assert told(bed) == {("msg_1", "GET ?"): ["SYNTAX", "SYNTAX"]}
