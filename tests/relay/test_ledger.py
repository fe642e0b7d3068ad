"""How the relay sees a hop's connections used, when nothing was due on them, and which errors they carried."""

from __future__ import annotations

import pytest

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.speech import SPEECH
from harness.relay import Cut, Fail, Hold, Life, Tally
from harness.relay.rules.ledger import LIVES_MAX, QUIET_AT_LEAST_NS, Ledger
from tests.protocols.postgres import words as pg
from tests.relay.engines import BEGIN, COMMIT, COMMITTED, INSERT, INSERTED, Bed, redis_started, started

NEVER_NS = 1 << 62
SUBJECTS = r"msg_\d+"
IN_TRANSACTION = pg.READY[:-1] + b"T"


def told(bed: Bed) -> Tally:
    """What a hop tells, read as the harness reads it."""
    data = bed.tries.tally(bed.ledger.lives(), bed.ledger.quiet(0), bed.ledger.forgotten).to_json()
    assert isinstance(data, dict)
    return Tally.from_json(data)


def lives(bed: Bed) -> tuple[Life, ...]:
    return told(bed).lives


def test_a_login_is_no_use_and_a_transaction_is_one() -> None:
    bed = Bed()
    wire = started(bed)
    assert [life.uses for life in lives(bed)] == [0]
    for sent, answer in ((BEGIN, pg.complete("BEGIN") + IN_TRANSACTION), (INSERT, pg.complete("I") + IN_TRANSACTION)):
        wire.sends(sent)
        wire.answers(answer)
        assert bed.ledger.quiet(NEVER_NS)[-1][1] == NEVER_NS, "in a transaction nothing is due either"
    (life,) = lives(bed)
    assert (life.uses, life.used_until_ns, life.ended_ns) == (1, 0, 0)
    wire.sends(COMMIT)
    wire.answers(COMMITTED)
    (life,) = lives(bed)
    assert life.opened_ns <= life.used_from_ns <= life.used_until_ns
    wire.sends(INSERT)
    wire.answers(INSERTED)
    assert [life.uses for life in lives(bed)] == [2]


@pytest.mark.parametrize("by", ["service", "server", "reset by service"])
def test_a_connection_that_ends_at_rest_is_told_with_who_ended_it(by: str) -> None:
    bed = Bed()
    wire = started(bed)
    wire.sends(INSERT)
    wire.answers(INSERTED)
    wire.engine.lost(by)  # type: ignore[arg-type]  # one of its words
    (life,) = lives(bed)
    assert (life.by, life.in_use, life.uses) == (by, False, 1)
    assert life.ended_ns >= life.used_until_ns > 0


def test_one_that_is_in_a_transaction_or_waits_or_logs_in_is_in_use() -> None:
    bed = Bed()
    in_transaction, waiting = started(bed), started(bed)
    in_transaction.sends(BEGIN)
    in_transaction.answers(pg.complete("BEGIN") + IN_TRANSACTION)
    waiting.sends(INSERT)
    for wire in (in_transaction, waiting, bed.connect()):
        wire.engine.lost("service")
    assert [life.in_use for life in lives(bed)] == [True, True, True]


def test_one_whose_answer_a_rule_held_is_in_use() -> None:
    bed = Bed()
    bed.arm(Hold(), "answered", "INSERT")
    wire = started(bed)
    wire.sends(INSERT)
    wire.answers(INSERTED)
    wire.engine.lost("service")
    assert [life.in_use for life in lives(bed)] == [True]


def test_redis_is_at_rest_from_the_first_moment_on() -> None:
    bed = Bed("redis")
    wire = bed.connect()
    wire.engine.lost("service")
    assert [(life.in_use, life.uses) for life in lives(bed)] == [(False, 0)]


def test_what_a_rule_cuts_is_not_the_services_doing() -> None:
    bed = Bed()
    bed.arm(Cut(), "sent", "INSERT")
    wire = started(bed)
    wire.sends(INSERT)
    assert [life.by for life in lives(bed)] == ["rule"]


def test_quiet_is_when_no_connection_waits() -> None:
    ledger, long = Ledger(), QUIET_AT_LEAST_NS
    first, second = ledger.opened(1, 0), ledger.opened(2, 0)
    first.rests(1_000)
    assert ledger.quiet(1_000 + 2 * long) == (), "the second is still being opened"
    second.rests(2_000)
    assert ledger.quiet(2_000 + long) == ((2_000, 2_000 + long),)
    first.works(2_000 + 2 * long)
    first.works(2_000 + 3 * long)
    second.works(2_000 + 3 * long)
    first.rests(2_000 + 3 * long)
    second.ended(2_000 + 4 * long, "service", in_use=False)
    first.works(2_000 + 5 * long - 1)
    assert ledger.quiet(2_000 + 9 * long) == ((2_000, 2_000 + 2 * long),), "the later one was too short"
    assert [life.idle_max_ms for life in ledger.lives()] == [(2 * long - 1) / 1e6, 0.0], "after its opening it is new"


def test_what_is_kept_is_limited_and_begins_anew() -> None:
    ledger = Ledger()
    for number in range(LIVES_MAX + 3):
        life = ledger.opened(number, number)
        life.ended(number, "service", in_use=False)
    assert (len(ledger.lives()), ledger.forgotten, ledger.lives()[0].number) == (LIVES_MAX, 3, 3)
    ledger.begin()
    assert (ledger.lives(), ledger.forgotten) == ((), 0)


def met(bed: Bed) -> list[tuple[str, str, str, bool]]:
    return [(one.subject, one.code, one.text, one.own) for one in told(bed).met]


def counting(protocol: str = "postgres") -> Bed:
    bed = Bed(protocol)
    bed.tries.begin(SUBJECTS)
    return bed


def test_an_error_is_told_with_its_words_and_whom_it_concerns() -> None:
    bed = counting()
    wire = started(bed)
    wire.sends(pg.query("INSERT INTO t VALUES ('msg_1')"))
    wire.answers(pg.error("40P01") + pg.READY)
    ((subject, code, text, own),) = met(bed)
    assert (subject, code, own) == ("msg_1", "40P01", True)
    assert text
    assert not told(bed).met[0].several
    assert told(bed).met[0].statement == "INSERT INTO t VALUES (?)"


def test_a_statement_for_several_says_so() -> None:
    bed = counting()
    wire = started(bed)
    wire.sends(pg.query("INSERT INTO t VALUES ('msg_1'), ('msg_1'), ('msg_2')"))
    wire.answers(pg.error("40P01") + pg.READY)
    assert [one.several for one in told(bed).met] == [True]


def test_an_error_that_a_rule_answers_has_the_words_that_the_service_gets() -> None:
    bed = counting("redis")
    bed.arm(Fail("OOM"), "sent", "SET")
    wire = redis_started(bed)
    wire.sends(b"*3\r\n$3\r\nSET\r\n$5\r\nmsg_1\r\n$1\r\n1\r\n")
    assert met(bed) == [("msg_1", "OOM", "command not allowed when used memory > 'maxmemory'.", True)]


@pytest.mark.parametrize(
    ("protocol", "code", "text", "own"),
    [
        ("postgres", "23505", "", True), ("postgres", "40001", "", True), ("postgres", "57014", "", True),
        ("postgres", "42P05", "", False), ("postgres", "25006", "", False), ("postgres", "57P01", "", False),
        ("postgres", "53200", "", False), ("postgres", "08006", "", False), ("postgres", "26000", "", False),
        ("redis", "OOM", "", True), ("redis", "WRONGTYPE", "", True), ("redis", "READONLY", "", False),
        ("redis", "LOADING", "", False), ("redis", "ERR", "unknown command 'X'", True),
        ("redis", "ERR", "max number of clients reached", False), ("tcp", "X", "", False),
    ],
)  # fmt: skip
def test_an_error_is_one_requests_own_or_speaks_of_others(protocol: str, code: str, text: str, *, own: bool) -> None:
    assert SPEECH.of(protocol).of_one_request(ServerError(code, text)) is own


def test_what_ends_the_connection_is_no_requests_own() -> None:
    assert not SPEECH.of("postgres").of_one_request(ServerError("40001", fatal=True))
