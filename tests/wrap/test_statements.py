"""Which statements two runs of a command share, what of them is broken, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.addresses import HostPort
from harness.protocols.contract.search import SEARCHED
from harness.relay import Cut, Delay, DropAndClose, Fail, Phase, Seen
from harness.wrap.observed import ServerSeen
from harness.wrap.sweep.cells import KINDS, error_for, plan
from harness.wrap.sweep.statements import COMMIT, OTHER, WRITE, Found, Recorded, statements_of

SERVER = ServerSeen(name="server-1", address=HostPort("127.0.0.1", 5432), protocol="postgres", connects=1)
CACHE = ServerSeen(name="server-2", address=HostPort("127.0.0.1", 6379), protocol="redis", connects=1)
NAMES = {"server-1": "postgres", "server-2": "redis"}


def seen(text: str, t_ns: int, *, connection: int = 1, runs: bool = True, hop: str = "server-1") -> Seen:
    phase: Phase = "commit" if text.startswith("COMMIT") else "query"
    return Seen(
        hop=hop, connection=connection, t_ns=t_ns, direction="sent", message="Query", text=text, phase=phase,
        exchange=t_ns, runs=runs, ends_answer=False, offset=0, length=1,
    )  # fmt: skip


def run(*texts: str, server: ServerSeen = SERVER) -> Recorded:
    """One run: each text on connection 1, or with a number and a colon before it on that."""
    found = []
    for at, text in enumerate(texts):
        number, colon, rest = text.partition(":")
        found.append(seen(rest if colon else text, at, connection=int(number) if colon else 1))
    return Recorded(server, found)


def shared(first: Recorded, second: Recorded) -> Found:
    return statements_of([first], [second], NAMES)


def test_a_statement_is_found_again_by_how_it_begins_and_its_number_among_these() -> None:
    first = run("INSERT INTO a VALUES ('id-1')", "INSERT INTO a VALUES ('id-2')", "SELECT 1")
    second = run("INSERT INTO a VALUES ('id-7')", "INSERT INTO a VALUES ('id-8')", "SELECT 1")
    found = shared(first, second)
    assert found.unsteady == 0
    assert [(str(each), each.text, each.nth) for each in found.statements] == [
        ("postgres/INSERT INTO a VALUES (?)/1", "INSERT INTO a VALUES (", 1),
        ("postgres/INSERT INTO a VALUES (?)/2", "INSERT INTO a VALUES (", 2),
        ("postgres/SELECT ?/1", "SELECT 1", 1),
    ]


def test_no_digit_that_two_values_happen_to_share_is_asked_of_a_third_run() -> None:
    web = ServerSeen(name="server-1", address=HostPort("127.0.0.1", 80), protocol="http", connects=1)
    found = shared(run("GET /a?id=12960", server=web), run("GET /a?id=12965", server=web))
    assert [each.text for each in found.statements] == ["GET /a?id="]
    same = shared(run("GET /a?id=1", server=web), run("GET /a?id=1", server=web))
    assert [each.text for each in same.statements] == ["GET /a?id=1"]


def test_what_begins_alike_is_counted_whatever_it_goes_on_with() -> None:
    texts = ("INSERT INTO a VALUES (1)", "INSERT INTO a VALUES (1) RETURNING x", "INSERT INTO a VALUES (1)")
    found = shared(run(*texts), run(*texts))
    assert [(each.occurrence, each.nth) for each in found.statements] == [(1, 1), (1, 1), (2, 3)]


def test_what_only_one_run_has_or_has_elsewhere_is_left_out() -> None:
    found = shared(run("SELECT 1", "DELETE FROM a"), run("SELECT 1", "SELECT 2"))
    assert [each.shape for each in found.statements] == ["SELECT ?"]
    assert found.unsteady == 2
    moved = shared(run("GET a x", "GET bb y"), run("GET bb y", "GET a x"))
    assert moved.unsteady + len(moved.statements) >= 2
    assert shared(run(), run()).statements == []


def test_a_server_that_the_other_run_does_not_have_has_nothing_in_common() -> None:
    found = statements_of([run("SELECT 1")], [], NAMES)
    assert (list(found.statements), found.unsteady) == ([], 1)


def test_commits_and_writes_tell_most_and_a_commit_by_what_it_ends() -> None:
    texts = ("BEGIN", "INSERT INTO a VALUES (1)", "2:SELECT 1", "COMMIT", "BEGIN", "DELETE FROM b", "COMMIT")
    found = shared(run(*texts), run(*texts)).statements
    told = {(each.shape, each.occurrence): (each.telling, each.context) for each in found}
    assert told["COMMIT", 1] == (COMMIT, "INSERT INTO a VALUES (?)")
    assert told["COMMIT", 2] == (COMMIT, "DELETE FROM b")
    assert told["INSERT INTO a VALUES (?)", 1] == (WRITE, "")
    assert told["SELECT ?", 1] == (OTHER, "")


def ids(only: str = "", *texts: str) -> Sequence[str]:
    return [str(cell) for cell in plan(shared(run(*texts), run(*texts)).statements, ["postgres"], only).cells]


def test_the_most_telling_breaks_come_first_and_delays_last() -> None:
    found = ids("", "SELECT 1", "INSERT INTO a VALUES (1)", "COMMIT")
    insert = "postgres/INSERT INTO a VALUES (?)/1/"
    assert found == [
        *(f"postgres/COMMIT/1/{kind}" for kind in ("answer_lost", "cut_before", "error")),
        "postgres/refused",
        *(f"{insert}{kind}" for kind in ("answer_lost", "cut_before", "error")),
        *(f"postgres/SELECT ?/1/{kind}" for kind in ("answer_lost", "cut_before", "error")),
        "postgres/COMMIT/1/delay", f"{insert}delay", "postgres/SELECT ?/1/delay",
    ]  # fmt: skip
    assert ids("COMMIT/1/cut", "SELECT 1", "COMMIT") == ["postgres/COMMIT/1/cut_before"]


def test_of_equal_statements_the_first_and_the_last_are_broken_the_last_ones_later() -> None:
    texts = ("SELECT 1",) * 4 + ("COMMIT",)
    planned = plan(shared(run(*texts), run(*texts)).statements, [])
    assert planned.thinned == 2
    assert plan(shared(run(*texts), run(*texts)).statements, [], "COMMIT").thinned == 0  # no SELECT was to be broken
    kinds = {str(cell): cell.again for cell in planned.cells if cell.kind == "cut_before"}
    assert kinds == {"postgres/COMMIT/1/cut_before": False, "postgres/SELECT ?/1/cut_before": False,
                     "postgres/SELECT ?/4/cut_before": True}  # fmt: skip


def test_each_break_is_a_rule_of_the_relays() -> None:
    planned = plan(shared(run("COMMIT"), run("COMMIT")).statements, ["postgres"])
    rules = {cell.kind: cell.rule("hop") for cell in planned.cells}
    assert sorted(rules) == sorted(KINDS)
    assert rules.pop("refused") is None
    told = {kind: (rule.match.direction, rule.match.nth, type(rule.action)) for kind, rule in rules.items() if rule}
    assert told == {
        "answer_lost": ("answered", 1, DropAndClose), "cut_before": ("sent", 1, Cut), "error": ("sent", 1, Fail),
        "delay": ("answered", 1, Delay),
    }  # fmt: skip


def test_no_error_is_made_up_where_the_server_gives_none() -> None:
    [reset] = shared(run("RESET ALL"), run("RESET ALL")).statements
    assert error_for(reset) is None
    assert "error" not in {cell.kind for cell in plan([reset], []).cells}


@pytest.mark.parametrize(
    ("protocol", "writes", "reads"),
    [
        ("postgres", ["INSERT INTO a", "with x as (select 1) update a set b = 1", "COPY a FROM"], ["SELECT updated"]),
        ("redis", ["SET a b", "incrby a 1", "EVALSHA x"], ["GET a", "ping", "CLIENT SETINFO"]),
        ("http", ["POST /orders", "DELETE /a"], ["GET /orders", "HEAD /"]),
        ("tcp", [], [""]),
    ],
)
def test_what_writes(protocol: str, writes: Sequence[str], reads: Sequence[str]) -> None:
    told = SEARCHED.of(protocol).writes
    assert [text for text in (*writes, *reads) if told(text)] == list(writes)
