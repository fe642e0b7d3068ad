"""A server's error in an answer's place: what the server gets, and what the service."""

from __future__ import annotations

from harness.protocols.contract.failure import ServerError
from harness.protocols.postgres.wire.failing import parse_bind_execute, raising
from harness.relay import Fail, Hold
from tests.protocols.postgres import words as pg
from tests.relay.engines import BEGIN, BEGUN, COMMIT, INSERT, INSERTED, Bed, redis_started, started


def test_a_query_is_replaced_by_one_that_raises() -> None:
    bed = Bed()
    action = Fail("53100", "it's $relay$ full")
    bed.arm(action, "sent", "INSERT")
    wire = started(bed)
    sent = wire.sends(BEGIN, INSERT, BEGIN)
    assert sent == BEGIN + pg.query(raising(ServerError(action.code, action.text))) + BEGIN
    assert (
        b"DO $relay_$BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'it''s $relay$ full'; END$relay_$" in sent
    )
    assert wire.answers(BEGUN, pg.error("53100"), pg.READY_FAILED) == BEGUN + pg.error("53100") + pg.READY_FAILED


def test_in_the_extended_protocol_nobody_sees_the_relays_own_confirmations() -> None:
    bed = Bed()
    action = Fail("40001")
    bed.arm(action, "sent", "INSERT")
    wire = started(bed)
    own = pg.parse("", "INSERT INTO t VALUES ($1)") + pg.bind("", "", [b"x"]) + pg.describe("P")
    sent = wire.sends(own, pg.execute(), pg.SYNC)
    assert sent == own + parse_bind_execute("relay 1", raising(ServerError(action.code))) + pg.SYNC
    service_gets = pg.PARSED + pg.BOUND + pg.NO_DATA
    server = service_gets + pg.PARSED + pg.BOUND + pg.error("40001") + pg.READY_FAILED
    assert wire.answers(server) == service_gets + pg.error("40001") + pg.READY_FAILED
    # the next exchange's confirmations are the service's own again
    assert wire.sends(own, pg.execute(), pg.SYNC) == own + pg.execute() + pg.SYNC
    later = pg.PARSED + pg.BOUND + pg.NO_DATA + pg.complete("INSERT 0 1") + pg.READY
    assert wire.answers(later) == later


def test_if_the_server_fails_before_that_its_own_error_passes() -> None:
    bed = Bed()
    bed.arm(Fail("40001"), "sent", "INSERT")
    wire = started(bed)
    wire.sends(pg.parse("", "INSERT INTO t VALUES ($1)"), pg.bind("", "", [b"x"]), pg.execute(), pg.SYNC)
    assert wire.answers(pg.error("42P01"), pg.READY) == pg.error("42P01") + pg.READY
    wire.sends(pg.parse("", "SELECT"), pg.SYNC)
    assert wire.answers(pg.PARSED, pg.READY) == pg.PARSED + pg.READY


def test_a_commit_becomes_a_rollback_and_its_confirmation_the_error() -> None:
    bed = Bed()
    bed.arm(Fail("40001", "could not serialize"), "sent", "COMMIT")
    wire = started(bed)
    assert wire.sends(INSERT, COMMIT) == INSERT + pg.query("ROLLBACK")
    answer = wire.answers(INSERTED, pg.complete("ROLLBACK"), pg.READY)
    expected = b"SERROR\0VERROR\0C40001\0Mcould not serialize\0\0"
    assert answer == INSERTED + pg.typed(b"E", expected) + pg.READY
    assert wire.sends(INSERT) == INSERT
    assert wire.answers(INSERTED) == INSERTED


def test_what_follows_a_failed_commit_up_to_its_sync_never_reaches_the_server() -> None:
    bed = Bed()
    bed.arm(Fail("40001"), "sent", "COMMIT")
    wire = started(bed)
    own = pg.parse("", "COMMIT") + pg.bind("", "")
    more = pg.parse("", "INSERT INTO t VALUES (2)") + pg.bind("", "") + pg.execute()
    assert wire.sends(own, pg.execute(), more, pg.SYNC) == own + parse_bind_execute("relay 1", "ROLLBACK") + pg.SYNC
    server = pg.PARSED + pg.BOUND + pg.PARSED + pg.BOUND + pg.complete("ROLLBACK") + pg.READY
    answer = wire.answers(server)
    assert answer.startswith(pg.PARSED + pg.BOUND + b"E")
    assert answer.endswith(pg.READY)
    assert answer.count(b"C40001\0") == 1
    assert pg.complete("ROLLBACK") not in answer
    assert wire.sends(INSERT) == INSERT


def test_a_fatal_error_waits_for_the_answers_before_it() -> None:
    bed = Bed()
    bed.arm(Fail("57P01", "shutting down", fatal=True), "sent", "INSERT")
    wire = started(bed)
    assert wire.sends(BEGIN, INSERT) == BEGIN
    assert not wire.ended()
    fatal = pg.typed(b"E", b"SFATAL\0VFATAL\0C57P01\0Mshutting down\0\0")
    assert wire.answers(BEGUN) == BEGUN + fatal
    assert wire.ended() == "closed"


def test_a_server_that_is_starting_up() -> None:
    bed = Bed()
    bed.arm(Fail("57P03", fatal=True), "sent", message="StartupMessage")
    wire = bed.connect()
    assert wire.sends(pg.SSL_REQUEST) == pg.SSL_REQUEST
    assert wire.answers(b"N") == b"N"
    assert wire.sends(pg.startup()) == b""
    assert wire.taken("answered").startswith(b"E")
    assert wire.ended() == "closed"


def test_an_error_of_redis_comes_in_its_place_among_the_replies() -> None:
    bed = Bed("redis")
    bed.arm(Fail("READONLY"), "sent", "SET", always=True)
    wire = redis_started(bed)
    assert wire.sends(b"GET a\r\nSET b 1\r\nSET c 1\r\nGET d\r\n") == b"GET a\r\nGET d\r\n"
    error = b"-READONLY You can't write against a read only replica.\r\n"
    assert wire.answers(b"+a\r\n+d\r\n") == b"+a\r\n" + error + error + b"+d\r\n"
    assert wire.sends(b"SET e 1\r\n") == b""
    assert wire.taken("answered") == error


def test_an_error_waits_behind_an_answer_that_is_held() -> None:
    bed = Bed("redis")
    bed.arm(Fail("OOM", "full"), "sent", "SET")
    rule = bed.arm(Hold(), "answered", "GET")
    wire = redis_started(bed)
    wire.sends(b"GET a\r\nSET b 1\r\nGET d\r\n")
    assert wire.answers(b"+a\r\n+d\r\n") == b""
    bed.release(rule)
    assert wire.taken("answered") == b"+a\r\n-OOM full\r\n+d\r\n"
