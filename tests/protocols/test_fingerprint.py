from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocols.contract.speech import FINGERPRINT_MAX, fingerprint
from harness.protocols.postgres.wire.messages import commits
from harness.protocols.postgres.wire.sql import statements


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("COMMIT;", "COMMIT"),
        ("SELECT a\n  FROM t\tWHERE id = $1", "SELECT a FROM t WHERE id = ?"),
        ("SELECT 'it''s', 1.5e3, t1.a2 FROM t1", "SELECT ?, t1.a2 FROM t1"),
        ("WHERE id IN (1, 2,3) AND s = 'x'", "WHERE id IN (?) AND s = ?"),
        ("INSERT INTO t VALUES ($1::UUID, $2::JSON), ($3::UUID, $4::JSON)", "INSERT INTO t VALUES (?::UUID)"),
        ("INSERT INTO t VALUES ($1::VARCHAR(20), $2)", "INSERT INTO t VALUES (?::VARCHAR(?))"),
        ('SELECT E\'a\\\'b\' /* no */ -- never\n, "Odd ""1"""', 'SELECT ? , "Odd ""1"""'),
        ("DO $x$ BEGIN 1; END $x$", "DO ?"),
    ],
)
def test_sql_keeps_its_words_and_loses_its_values(text: str, shape: str) -> None:
    assert fingerprint("postgres", text) == shape


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("SET key value EX 60", "SET key value EX n"),
        ('SET webhook:seen:6f9a1 {"a": 1, "b": 5} EX 60 NX', "SET webhook:seen:? value EX n NX"),
        ("SET k 5 EX 5", "SET k value EX n"),
        ("get webhook:seen:6f9a1", "GET webhook:seen:?"),
        ("EXPIRE k 60", "EXPIRE k n"),
        ("HELLO 3 AUTH someone secret", "HELLO n AUTH value"),
        ("CLIENT SETINFO LIB-NAME redis-py", "CLIENT SETINFO LIB-NAME value"),
        ("PING", "PING"),
        ("EVALSHA abcdef0123456 1 k", "EVALSHA abcdef01"),
        ("", ""),
    ],
)
def test_a_command_keeps_its_shape_and_loses_ids_and_values(text: str, shape: str) -> None:
    assert fingerprint("redis", text) == shape


@given(
    st.sampled_from(["postgres", "redis"]), st.text(alphabet=st.sampled_from("aE'\"$x1;:-/*\\ (),.?\n"), max_size=60)
)
def test_no_text_is_refused(protocol: str, text: str) -> None:
    assert len(fingerprint("postgres" if protocol == "postgres" else "redis", text * 3)) <= FINGERPRINT_MAX


@given(st.uuids(), st.uuids())
def test_two_deliveries_have_one_shape(first: object, second: object) -> None:
    assert fingerprint("redis", f"GET seen:{first}") == fingerprint("redis", f"GET seen:{second}")
    sql = "INSERT INTO t VALUES ('{}')"
    assert fingerprint("postgres", sql.format(first)) == fingerprint("postgres", sql.format(second))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("BEGIN; INSERT INTO t VALUES (';'); COMMIT;", ["BEGIN", "INSERT INTO t VALUES (';')", "COMMIT"]),
        (" -- a; b\n SELECT 1 ; ; /* ; */", ["SELECT 1 "]),
        ("", []),
        ("SELECT $$ ; $$", ["SELECT $$ ; $$"]),
    ],
)
def test_statements_are_parted_at_semicolons_only(text: str, found: list[str]) -> None:
    assert statements(text) == found


@pytest.mark.parametrize(
    "text", ["COMMIT", " /* x */ commit and chain", "END;", "PREPARE  TRANSACTION 'x'", "SELECT 1; COMMIT"]
)
def test_what_ends_a_transaction_well(text: str) -> None:
    assert commits(text)


@pytest.mark.parametrize(
    "text",
    [
        "ROLLBACK",
        "PREPARE s AS SELECT 1",
        "SELECT 'x; COMMIT'",
        "DO $$ BEGIN x; END $$",
        "COMMITTED",
        "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; END",
    ],
)
def test_what_does_not(text: str) -> None:
    assert not commits(text)
