"""The scenarios that the harness makes of a target alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from harness.demo import SCENARIOS
from harness.engine.steps import Deliver, Inject
from harness.faults import link, server, syscall
from harness.faults.fault import Need, own
from harness.plugin.ids import LONGEST_ID, unfit_characters
from harness.protocols.postgres.words import postgres
from harness.protocols.redis.words import redis
from harness.scenario.schedule import Do, read_schedule
from harness.search.recording.deliveries import NotAcknowledgedError
from harness.search.recording.recording import Recording
from harness.search.sweep.lane import EndedError
from harness.stack.service.start import in_one_line
from harness.standard import Planned
from harness.standard.observation import not_recorded, recorded
from harness.standard.plan import StandardSuite, Unbroken, standard_suite
from harness.standard.statements import statements
from harness.target import Target, load_target
from tests.standard.support import of

HTTP_AND_TCP = """
schema = "harness.target/2"
name = "shop"
[service]
command = ["./shop"]
listening = 'port (?P<port>\\d+)'
alive = "/alive"
unhandled = "panic"
[service.environment]
BANK = "{bank.url}"
QUEUE = "{queue.url}"
[links.bank]
protocol = "http"
[links.queue]
protocol = "tcp"
[sender.http]
path = "/orders"
[reads.order]
path = "/orders/{id}"
shows = "(?P<body>.*)"
[stored]
read = "order"
[limits]
connections = 5
body_bytes = 1000
"""
ALL = frozenset({"postgres", "redis"})


def nothing_lacks(need: Need) -> None:
    del need


@pytest.fixture(scope="module")
def target() -> Target:
    return load_target(SCENARIOS / "target.toml")


def test_more_deliveries_than_connections_meet_an_error_at_the_first_statement_that_writes(target: Target) -> None:
    sent = of(postgres, "BEGIN", "SELECT 1", "INSERT INTO orders", "UPDATE orders", "COMMIT")
    deliveries = target.description.limits.connections // 2 + 1
    found = {each.id: each for each in planned(target, sent).planned if "_errs_for_" in each.id}
    assert [*found] == [f"standard_insert_errs_for_{2 * deliveries}_postgres"]
    (each,) = found.values()
    assert each.schedule.to_python().count("always=True") == 1
    assert f"deliver({deliveries}, copies=2, expect=ACKNOWLEDGED | REFUSED)" in each.schedule.to_python()
    assert not any("_errs_for_" in name for name in ids(planned(target, of(postgres, "SELECT 1"), of(redis, "SET"))))


def test_copies_come_at_once_while_the_first_statement_that_writes_is_late(target: Target) -> None:
    sent = of(postgres, "BEGIN", "SELECT 1", "INSERT INTO orders", "UPDATE orders", "COMMIT")
    (each,) = [each for each in planned(target, sent).planned if "_late_for_copies_" in each.id]
    assert each.id == "standard_insert_late_for_copies_postgres"
    steps = each.schedule.to_python()
    assert "wire.delay(postgres.sent('INSERT'), always=True, delay_ms=100)" in steps
    assert "deliver(3, copies=2, expect=ACKNOWLEDGED | REFUSED)" in steps


def test_each_later_statement_that_writes_errs_each_time(target: Target) -> None:
    sent = of(postgres, "BEGIN", "INSERT INTO orders", "SELECT 1", "INSERT INTO outbox", "UPDATE orders", "COMMIT")
    found = {each.id: each for each in planned(target, sent).planned if each.id.endswith("_errs_each_time_postgres")}
    assert [*found] == [
        "standard_insert_into_outbox_errs_each_time_postgres",
        "standard_update_errs_each_time_postgres",
    ]
    for each in found.values():
        assert "always=True" in each.schedule.to_python()
        assert "deliver(expect=ACKNOWLEDGED | REFUSED)" in each.schedule.to_python()


@pytest.mark.parametrize(
    ("sent", "stores"),
    [(["BEGIN", "INSERT INTO orders", "UPDATE x", "COMMIT"], ["commit"]), (["INSERT INTO orders"], ["insert"]),
     (["BEGIN", "SELECT 1", "COMMIT"], []), (["WITH x AS (INSERT", "END"], ["end"])],
)  # fmt: skip
def test_the_answer_to_what_stores_is_lost_each_time(target: Target, sent: list[str], stores: list[str]) -> None:
    found = {each.id: each for each in planned(target, of(postgres, *sent)).planned if "_lost_each_time_" in each.id}
    assert [*found] == [f"standard_{word}_answer_lost_each_time_postgres" for word in stores]
    for each in found.values():
        assert "always=True" in each.schedule.to_python()
        assert "deliver(expect=ACKNOWLEDGED | REFUSED | UNKNOWN | THROTTLED)" in each.schedule.to_python()


def test_the_answer_to_what_stores_is_lost_and_nobody_can_be_asked(target: Target) -> None:
    sent = of(postgres, "BEGIN", "INSERT INTO orders", "UPDATE x", "COMMIT")
    (each,) = [each for each in planned(target, sent).planned if "_lost_and_away_" in each.id]
    assert (each.id, each.nightly) == ("standard_commit_answer_lost_and_away_postgres", "")
    text = each.schedule.to_python()
    assert "wire.hold(postgres.answered('COMMIT'))" in text.replace('"', "'"), "carried out, and its answer never comes"
    assert re.search(r"server\.crash\(postgres, at=.*\.fired\(\), down_ms=None\)", text), "nobody can be asked"


def test_every_request_comes_more_often_than_the_service_may_hold_connections(target: Target) -> None:
    rounds = target.description.limits.connections // 2 + 1
    (each,) = [each for each in planned(target, of(redis, "GET")).planned if "_every_request_" in each.id]
    assert (each.id, each.nightly) == (f"standard_every_request_for_{rounds}_rounds", "")
    assert each.schedule.to_python().count("lab.contract()") == rounds


@pytest.mark.parametrize("limit", ["bytes per request", "deliveries remembered", "", "threads"])
def test_what_a_service_keeps_of_each_request_is_looked_for_where_that_has_a_limit(target: Target, limit: str) -> None:
    residue = {limit: 50} if limit else {}
    limited = replace(target, description=target.description.model_copy(update={"residue": residue}))
    found = [each for each in planned(limited, of(redis, "GET")).planned if each.id == "standard_many_requests"]
    assert len(found) == (limit in ("bytes per request", "deliveries remembered"))
    for each in found:
        assert re.search(r"lab\.traffic\(clients=4, small=True\)", each.schedule.to_python())


def test_a_service_that_ended_while_it_was_recorded_is_quoted(target: Target) -> None:
    ended = EndedError("the service ended by itself with status 1")
    traceback = "Traceback (most recent call last):\n  File 'a'\n    x\nOSError: gone\n"
    ended.last_words = in_one_line(f"{traceback}    at Socket.emit (node)\n\nbye\n")
    suite = standard_suite(target, not_recorded(ended), nothing_lacks)
    why = {left.what: left.why for left in suite.left_out}["the statements"]
    assert why == (
        "the service ended by itself with status 1, when its connections to its servers were cut; its last words: "
        "Traceback (most recent call last): | OSError: gone | bye"
    )


def test_a_service_that_does_not_come_back_while_it_is_recorded_fails(target: Target) -> None:
    suite = standard_suite(target, not_recorded(NotAcknowledgedError("a warm delivery was refused")), nothing_lacks)
    (fails,) = [each.fails for each in suite.planned if each.id == "standard_recorded"]
    told = "which had acknowledged a delivery, acknowledged none when its connections to its servers were cut: a warm"
    assert told in fails


@pytest.mark.parametrize(("ended", "looks"), [([], 1), (["first"], 2), (["first", "second", "third"], 3)])
def test_a_service_that_ends_while_it_is_recorded_is_recorded_again(ended: list[str], looks: int) -> None:
    told: list[str] = []
    seen = iter([Unbroken(statements=(), kept={}, used=ALL, unrecorded=why) for why in (*ended, "")])
    found = recorded(lambda: next(seen), told.append)
    assert told == [f"{why}; recording again" for why in ended[: looks - 1]]
    assert found.unrecorded == ("third" if len(ended) == 3 else "")


@pytest.mark.parametrize(("refusals", "fails"), [(1, False), (2, False), (3, True)])
def test_a_service_that_refuses_while_it_is_recorded_is_recorded_again(refusals: int, fails: bool) -> None:
    """On a busy machine a correct service refused one delivery, and no scenario was run."""
    looks: list[int] = []
    told: list[str] = []

    def look() -> Unbroken:
        looks.append(len(looks))
        if len(looks) <= refusals:
            raise NotAcknowledgedError("a warm delivery was not acknowledged")
        return Unbroken(statements=(), kept={}, used=ALL)

    with pytest.raises(NotAcknowledgedError) if fails else nullcontext():
        assert recorded(look, told.append).unrecorded == ""
    assert len(looks) == (3 if fails else refusals + 1)
    assert told == ["a warm delivery was not acknowledged; recording again"] * min(refusals, 2)


def test_what_is_never_answered_is_broken_on_its_way_only(target: Target) -> None:
    found = ids(planned(target, of(redis, "PUBLISH", answered=False), of(redis, "GET")))
    assert {name for name in found if "_publish_" in name} == {
        "standard_publish_cut_redis",
        "standard_publish_swallowed_redis",
    }
    assert "standard_get_answer_lost_redis" in found


def planned(target: Target, *recordings: Recording, kept: dict[str, int] | None = None) -> StandardSuite:
    found = statements(recordings, [postgres, redis])
    return standard_suite(target, Unbroken(statements=found, kept=kept or {}, used=ALL), nothing_lacks)


def ids(suite: StandardSuite) -> Sequence[str]:
    return [each.id for each in suite.planned]


def test_each_statement_of_a_change_is_broken_but_for_those_of_a_delivery_which_is_not_what_stores(
    target: Target,
) -> None:
    delivered = statements([of(postgres, "BEGIN", "INSERT INTO orders", "COMMIT")], [postgres, redis])
    sent = [of(postgres, "BEGIN", "UPDATE orders", "COMMIT"), of(redis, "DEL order")]
    changed = [each for one in sent for each in statements([one], [postgres, redis])]
    seen = Unbroken(statements=delivered, kept={}, used=ALL, changes={"correct": changed})
    found = {each.id: each for each in standard_suite(target, seen, nothing_lacks).planned if "_correct_" in each.id}
    ways = ("cut", "answer_lost", "errs_each_time")
    assert [*found] == [
        *(f"standard_correct_update_{way}_postgres" for way in ways),
        *(f"standard_correct_del_{way}_redis" for way in ways),
        *(f"standard_correct_commit_{way}_postgres" for way in (*ways, "answer_lost_each_time")),
    ]
    for each in found.values():
        steps = each.schedule.to_python()
        assert steps.startswith("await lab.deliver()")
        assert "await lab.request('correct', expect=" in steps


def test_a_change_that_names_a_version_reads_it_before_the_fault(tmp_path: Path) -> None:
    path = tmp_path / "target.toml"
    sender, changes = "[sender]\nversion = 'etag: (?P<version>.+)'", '[changes.{}]\npath = "/orders/{{id}}"\n{}'
    tables = [changes.format("correct", 'headers = { if-match = "{version}" }'), changes.format("blindly", "")]
    path.write_text("\n".join([HTTP_AND_TCP.replace("[sender.http]", f"{sender}\n[sender.http]"), *tables]), "utf-8")
    changed = statements([of(postgres, "UPDATE orders")], [postgres])
    seen = Unbroken(statements=[], kept={}, used=ALL, changes={"correct": changed, "blindly": changed})
    found = {each.id: each for each in standard_suite(load_target(path), seen, nothing_lacks).planned}
    read = "await lab.deliver()\nawait lab.request('order')\nasync with"
    assert found["standard_correct_update_cut_postgres"].schedule.to_python().startswith(read)
    assert "'order'" not in found["standard_blindly_update_cut_postgres"].schedule.to_python()


def test_a_change_of_one_statement_is_stored_by_it(target: Target) -> None:
    changed = statements([of(postgres, "SELECT 1", "DELETE FROM orders")], [postgres])
    seen = Unbroken(statements=[], kept={}, used=ALL, changes={"remove": changed})
    found = [each for each in ids(standard_suite(target, seen, nothing_lacks)) if "_remove_" in each]
    assert found[-1] == "standard_remove_delete_answer_lost_each_time_postgres"


def test_what_gives_a_connection_back_is_lost_but_answers_with_no_error(target: Target) -> None:
    reset = "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;"
    names = ids(planned(target, of(postgres, "INSERT INTO orders VALUES ($1)", reset)))
    of_reset = [name for name in names if "_select_" in name]
    assert any("_cut_" in name for name in of_reset)
    assert not any("_errs_" in name for name in of_reset)
    assert any("insert_errs_" in name for name in names)


def test_a_transaction_begins_and_is_rolled_back_without_errors(target: Target) -> None:
    """PostgreSQL never says 40001 to a ROLLBACK: no service must bear a session that was left open by it."""
    sent = ("BEGIN;", "ROLLBACK", "ROLLBACK TO SAVEPOINT a", "COMMIT", "INSERT INTO orders")
    erring = {name for name in ids(planned(target, of(postgres, *sent))) if "_errs_40001" in name}
    assert erring == {f"standard_{word}_errs_40001_postgres" for word in ("rollback_to", "commit", "insert")}


def test_each_statement_is_broken_on_its_way_at_its_answer_and_by_errors(target: Target) -> None:
    found = ids(planned(target, of(postgres, "INSERT INTO orders", "COMMIT"), of(redis, "SET")))
    for end in ("cut", "answer_lost", "swallowed", "answer_swallowed", "errs_40001"):
        assert {f"standard_insert_{end}_postgres", f"standard_commit_{end}_postgres"} <= set(found)
    assert "standard_set_errs_loading_redis" in found


def test_every_id_is_a_scenarios_once_and_its_steps_can_be_read_back(target: Target, tmp_path: Path) -> None:
    suite = planned(target, of(postgres, "SELECT 1", "SELECT 2 FROM a", "INSERT"), of(redis, "GET", "SET"))
    assert [id_ for id_, count in Counter(ids(suite)).items() if count > 1] == []
    for each in suite.planned:
        assert not unfit_characters(each.id)
        assert len(each.id) <= LONGEST_ID
        path = tmp_path / "one.json"
        path.write_text(json.dumps({**json.loads(each.scenario(target).source), "profile": "any"}), "utf-8")
        assert read_schedule(path).moves == each.moves, each.id


def test_what_a_repeat_alone_sends_is_broken_in_a_repeat(target: Target) -> None:
    suite = planned(target, of(postgres, "INSERT"), of(postgres, "INSERT", "UPDATE", kind="repeat"))
    found = {each.id: each for each in suite.planned}
    assert "deliver" in repr(found["standard_insert_cut_postgres"].moves[1])
    assert "request('again', " in repr(found["standard_update_cut_postgres"].moves)


def test_a_service_without_connections_at_rest_has_none_to_be_cut_there(target: Target) -> None:
    suite = planned(target, of(postgres, "INSERT"), kept={"postgres": 2, "redis": 0})
    assert "standard_postgres_idle_cut" in ids(suite)
    assert "standard_redis_idle_cut" not in ids(suite)
    [left] = suite.left_out
    assert (left.what, left.why) == (
        "standard_redis_idle_cut",
        "the service keeps no connection to redis between two requests",
    )


def test_a_link_that_no_request_uses_is_left_out(target: Target) -> None:
    seen = Unbroken(statements=(), kept={"postgres": 1, "redis": 0}, used=frozenset())
    suite = standard_suite(target, seen, nothing_lacks)
    assert {each.link for each in suite.planned} == {"postgres"}
    assert [each.what for each in suite.left_out] == ["everything on redis"]


def test_what_a_machine_or_a_given_server_lacks_is_left_out_and_said(target: Target) -> None:
    def lacking(need: Need) -> str | None:
        return {"seccomp": "no such kernel", own("postgres"): "given by URL"}.get(need)

    suite = standard_suite(target, Unbroken(statements=(), kept={}, used=ALL), lacking)
    said = {each.what: each.why for each in suite.left_out}
    assert said["standard_redis_error_22"] == "needs seccomp: no such kernel"
    assert said["standard_postgres_restarted"] == "needs own_postgres: given by URL"
    assert not said.keys() & set(ids(suite))
    assert {"standard_redis_restarted", "standard_postgres_silent", "standard_postgres_slow"} <= set(ids(suite))


def test_what_all_its_faults_need_is_said_in_one_order(target: Target) -> None:
    faults = (server.crash(redis), syscall.connect(redis, errno="EINVAL"), server.crash(postgres), link.cut(postgres))
    planned = Planned(id="a", link="redis", about="", moves=(Do(Inject(faults)), Do(Deliver())))
    assert planned.needs(target) == ("own_postgres", "own_redis", "seccomp")


def test_a_protocol_with_no_breaks_of_its_own_has_those_of_every_link(tmp_path: Path) -> None:
    path = tmp_path / "target.toml"
    path.write_text(HTTP_AND_TCP, "utf-8")
    found = ids(
        standard_suite(
            load_target(path), Unbroken(statements=(), kept={"bank": 1, "queue": 1}, used=frozenset()), nothing_lacks
        )
    )
    for end in ("idle_cut", "away_1s", "away_70s", "away_from_the_start", "silent", "slow", "restarted", "crashed"):
        assert {f"standard_bank_{end}", f"standard_queue_{end}"} <= set(found)


def test_redis_is_poisoned_only_if_the_target_says_how_it_is_asked(target: Target) -> None:
    assert "standard_redis_flushed" in ids(planned(target))
    assert "standard_redis_poisoned" not in ids(planned(target))
    assert "standard_redis_poisoned" in ids(planned(load_target(Path("scenarios/target.toml"))))


def test_what_takes_long_is_for_the_night_and_says_why(target: Target) -> None:
    suite = planned(target, of(redis, "GET"))
    nightly = {each.id: each.nightly for each in suite.planned if each.nightly}
    assert nightly["standard_postgres_away_70s"] == "waits for 70 s"
    assert nightly["standard_get_errs_oom_redis"]
    assert "standard_postgres_away_1s" not in nightly


def test_a_replica_has_its_link_broken_and_not_its_server(tmp_path: Path) -> None:
    text = (SCENARIOS / "target.toml").read_text("utf-8")
    replica = '[links.replica]\nprotocol = "postgres"\nreplica_of = "postgres"\n\n[sender.http]'
    (tmp_path / "target.toml").write_text(text.replace("[sender.http]", replica), "utf-8")
    seen = Unbroken(statements=(), kept={"replica": 1}, used=frozenset())
    found = ids(standard_suite(load_target(tmp_path / "target.toml"), seen, nothing_lacks))
    assert "standard_replica_away_1s" in found
    assert not {"standard_replica_restarted", "standard_replica_failed_over"} & set(found)


def test_what_a_worker_sends_by_itself_is_struck_only_where_it_names_a_delivery(target: Target) -> None:
    def on_postgres(*texts: str) -> frozenset[tuple[str, str]]:
        return frozenset(("postgres", text) for text in texts)

    recorded = replace(
        of(postgres, "BEGIN", "INSERT", "COMMIT"),
        named=on_postgres("INSERT", "COMMIT"), unnamed=on_postgres("BEGIN"),
    )  # fmt: skip
    found = statements([recorded], [postgres], on_postgres("BEGIN", "COMMIT"))
    assert {each.text: each.sent for each in found if not each.by_chance} == {
        "INSERT": postgres.sent("INSERT"),
        "COMMIT": postgres.sent("COMMIT", having="msg_"),
    }
    suite = standard_suite(target, Unbroken(statements=found, kept={}, used=ALL), nothing_lacks)
    assert not [name for name in ids(suite) if "_begin_" in name]
    assert [each.why for each in suite.left_out if each.what == "BEGIN on postgres"] == [
        "the service also sends it without a delivery, and names none: a fault could strike the wrong one"
    ]
