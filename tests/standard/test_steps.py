"""What the scenarios of the standard suite do, step by step, and which outcomes they allow."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import cast

import pytest

from harness.demo import SCENARIOS
from harness.engine.steps import Contract, Deliver, Inject, Request, Until
from harness.faults import Fault, link, no_fault, server, syscall, wire
from harness.faults.fault import Need
from harness.protocols.http.words import Http
from harness.protocols.postgres.words import postgres
from harness.protocols.redis.words import redis
from harness.relay import Phase
from harness.scenario.lab import Lab
from harness.scenario.schedule import Begin, Do, End, Move
from harness.search.recording.places import Kind, Place
from harness.search.recording.recording import Observed, Recording
from harness.standard import Planned, StandardSuite
from harness.standard.messages import answer_lost_and_away, late_for_copies, repeated_errors, statement_breaks
from harness.standard.plan import Unbroken, standard_suite
from harness.standard.statements import Statement, statements
from harness.target import Target, load_target
from harness.target.sections.link import LinkDescription
from harness.vocabulary import ACKNOWLEDGED, ALREADY, NO_WORD, REFUSED, Link, Outcome
from tests.standard.support import of
from tests.tiny import CHECKOUT

SENT, ANSWERED = postgres.sent("INSERT"), postgres.answered("INSERT")
SLOW_ONES = {"away_12s", "away_70s", "silent_for_every_request", "connects_hang", "late"}


def nothing_lacks(need: Need) -> None:
    del need


@pytest.fixture(scope="module")
def ours() -> Target:
    return load_target(CHECKOUT / "scenarios" / "target.toml")


@pytest.fixture(scope="module")
def target() -> Target:
    return load_target(SCENARIOS / "target.toml")


def links_broken(target: Target, unrecorded: str = "") -> StandardSuite:
    kept = {} if unrecorded else {"postgres": 1, "redis": 1}
    return standard_suite(
        target, Unbroken(statements=(), kept=kept, used=frozenset(kept), unrecorded=unrecorded), nothing_lacks
    )


def statement(link: Link, text: str, kind: Kind = "warm") -> Statement:
    return Statement(link, text.lower(), text, kind, text)


def test_a_fault_of_a_worker_is_waited_for(target: Target) -> None:
    description = target.description
    stored = description.stored.model_copy(update={"within_ms": 3000.0})
    working = dataclasses.replace(target, description=description.model_copy(update={"stored": stored}))
    waited = by_end(working, statement(postgres, "INSERT"))["cut"].moves
    assert waited[-2:] == (Do(Until(wire.cut(SENT).fired())), End(1))
    assert Do(Until(wire.cut(SENT).fired())) not in by_end(target, statement(postgres, "INSERT"))["cut"].moves


def test_a_fault_of_a_whole_link_is_waited_for_where_a_worker_may_meet_it(target: Target) -> None:
    description = target.description
    stored = description.stored.model_copy(update={"within_ms": 3000.0})
    working = dataclasses.replace(target, description=description.model_copy(update={"stored": stored}))
    moves = {each.id: each.moves for each in links_broken(working).planned}
    for name, fault in (("silent", link.swallow(postgres)), ("away_soon_after_the_start", link.down(postgres))):
        assert moves[f"standard_postgres_{name}"][-2:] == (Do(Until(fault.fired())), End(1))
    assert moves["standard_postgres_out_of_sessions"][-2:] == (
        Do(Until(server.limit_connections(postgres, 0).fired())),
        End(1),
    )
    of_two = moves["standard_postgres_error_22"][-2:]  # without an open connection there is none to cut
    assert of_two == (Do(Until(syscall.connect(postgres, errno="EINVAL").fired())), End(1))
    at_once = {each.id: each.moves for each in links_broken(target).planned}
    others = [*moves["standard_postgres_restarted"], *moves["standard_postgres_idle_cut"]]
    others += at_once["standard_postgres_silent"]
    assert not any(isinstance(move, Do) and isinstance(move.step, Until) for move in others)


@pytest.mark.parametrize("within_ms", [3000.0, 0.0])
def test_many_deliveries_of_a_worker_meet_their_fault(target: Target, within_ms: float) -> None:
    stored = target.description.stored.model_copy(update={"within_ms": within_ms})
    working = dataclasses.replace(target, description=target.description.model_copy(update={"stored": stored}))
    stores = statement(postgres, "INSERT")
    for each in (late_for_copies(stores, working), repeated_errors(stores, working)):
        waits = [move for move in each.moves if isinstance(move, Do) and isinstance(move.step, Until)]
        assert len(waits) == (1 if within_ms else 0)


@pytest.mark.parametrize("within_ms", [3000.0, 0.0])
def test_a_server_that_a_worker_stores_in_is_not_healed_before_it_has_crashed(target: Target, within_ms: float) -> None:
    stored = target.description.stored.model_copy(update={"within_ms": within_ms})
    working = dataclasses.replace(target, description=target.description.model_copy(update={"stored": stored}))
    moves = answer_lost_and_away(statement(postgres, "INSERT"), working).moves
    crash = server.crash(postgres, down_ms=None, at=wire.hold(ANSWERED).fired())
    assert (Do(Until(crash.fired())) in moves) is (within_ms > 0)


@pytest.mark.parametrize(("within_ms", "found"), [(3000.0, 1), (0.0, 0)])
def test_a_workers_call_fails_for_a_while_or_is_lost(target: Target, within_ms: float, found: int) -> None:
    bank = {"bank": LinkDescription.model_validate({"protocol": "http"})}
    stored = target.description.stored.model_copy(update={"within_ms": within_ms})
    described = target.description.model_copy(update={"stored": stored, "links": {**target.description.links, **bank}})
    called = [statement(Http("bank"), "POST /pay"), statement(postgres, "INSERT")]
    seen = Unbroken(statements=called, kept={}, used=frozenset({"bank", "postgres"}))
    planned = standard_suite(dataclasses.replace(target, description=described), seen, nothing_lacks).planned
    moves = [each.moves for each in planned if each.id.endswith("errs_for_a_while_bank")]
    fault = wire.fail(Http("bank").sent("POST /pay"), code="500", always=True)
    assert len(moves) == len([each for each in planned if "for_a_while" in each.id]) == found
    assert all(Do(Until(fault.fired())) in each and isinstance(each[-2], Do) for each in moves)
    lost = [each.moves for each in planned if each.id.endswith("_dropped_bank")]
    assert len(lost) == len([each for each in planned if "_dropped_" in each.id]) == found
    assert all(each[-2:] == (Do(Until(wire.drop(Http("bank").sent("POST /pay")).fired())), End(1)) for each in lost)


def test_a_worker_has_used_a_link_whose_connections_are_cut(target: Target) -> None:
    stored = target.description.stored.model_copy(update={"within_ms": 3000.0})
    working = dataclasses.replace(target, description=target.description.model_copy(update={"stored": stored}))
    insert = dataclasses.replace(statement(postgres, "INSERT"), is_answered=True)
    asked_once = dataclasses.replace(statement(postgres, "SELECT unnest("), is_answered=True)
    seen = Unbroken(statements=[asked_once, insert], kept={"postgres": 1}, used=frozenset({"postgres"}))
    moves = {each.id: each.moves for each in standard_suite(working, seen, nothing_lacks).planned}
    used = (Do(Deliver()), Do(Until(ANSWERED)))
    cut = {name for name, each in moves.items() if each[:2] == used}
    assert cut == {f"standard_postgres_{name}" for name in ("idle_cut", "error_22", "connects_hang")}
    assert all(each.count(used[0]) == 1 for name, each in moves.items() if name in cut)
    at_once = standard_suite(target, seen, nothing_lacks).planned
    assert not any(each.moves[:2] == used for each in at_once)


def test_more_reads_fail_than_the_service_may_hold_connections(ours: Target) -> None:
    shape = frozenset({("postgres", "SELECT a")})
    recorded = [
        dataclasses.replace(of(postgres, "SELECT a", "SELECT b"), named=shape),
        dataclasses.replace(of(postgres, "SELECT a", kind="read"), named=shape),
    ]
    seen = Unbroken(statements=statements(recorded, [postgres]), kept={}, used=frozenset({"postgres"}))
    planned = {each.id: each.moves for each in standard_suite(ours, seen, nothing_lacks).planned}
    count = ours.description.limits.connections + 1
    (moves,) = [moves for name, moves in planned.items() if name.endswith("_reads_postgres")]
    fault = wire.fail(postgres.sent("SELECT a"), code="40001", always=True)
    read = Request(next(iter(ours.description.reads)), expect=ACKNOWLEDGED | REFUSED)
    assert moves == (Do(Deliver()), Begin(1, Inject((fault,))), *[Do(read)] * count, End(1))


def by_end(target: Target, of: Statement) -> dict[str, Planned]:
    start, end = f"standard_{of.word}_", f"_{of.link.name}"
    return {each.id.removeprefix(start).removesuffix(end): each for each in statement_breaks(of, target)}


def expected(planned: Planned) -> Outcome:
    [step] = [move.step for move in planned.moves if isinstance(move, Do) and isinstance(move.step, Deliver)]
    return step.expect


@pytest.mark.parametrize(
    ("end", "fault", "outcome"),
    [
        ("cut", wire.cut(SENT), ACKNOWLEDGED),
        ("answer_lost", wire.cut(ANSWERED), ACKNOWLEDGED),
        ("answer_swallowed", wire.stall(ANSWERED), ACKNOWLEDGED | NO_WORD),
        ("swallowed", wire.stall(SENT), ACKNOWLEDGED | NO_WORD),
        ("errs_40001", wire.fail(SENT, code="40001"), ACKNOWLEDGED | REFUSED),
        ("errs_57p01", wire.fail(SENT, code="57P01", fatal=True), ACKNOWLEDGED | REFUSED),
    ],
)
def test_each_break_of_a_statement_has_its_fault_and_its_outcome(
    target: Target, end: str, fault: Fault, outcome: Outcome
) -> None:
    planned = by_end(target, statement(postgres, "INSERT"))[end]
    assert list(planned.faults) == [fault]
    assert expected(planned) == outcome


@pytest.mark.parametrize(("text", "code", "doubt"), [("COMMIT", "57014", True), ("COMMIT", "40001", False)])
def test_a_service_may_be_in_doubt_after_most_errors_of_a_commit(
    target: Target, text: str, code: str, doubt: bool
) -> None:
    planned = by_end(target, statement(postgres, text))[f"errs_{code}"]
    assert expected(planned) == (ACKNOWLEDGED | NO_WORD if doubt else ACKNOWLEDGED | REFUSED)


def test_a_post_whose_answer_is_lost_need_not_be_known(target: Target) -> None:
    assert expected(by_end(target, statement(Http("bank"), "POST /pay"))["answer_lost"]) == ACKNOWLEDGED | NO_WORD


@pytest.mark.parametrize("kind", ["repeat", "read"])
def test_a_repeat_and_a_read_follow_a_delivery(ours: Target, kind: Kind) -> None:
    for each in statement_breaks(statement(postgres, "SELECT", kind), ours):
        assert each.moves[0] == Do(Deliver()), each.id
        assert isinstance(each.moves[1], Begin), each.id


@pytest.mark.parametrize(("kind", "more"), [("repeat", ALREADY), ("read", ACKNOWLEDGED)])
@pytest.mark.parametrize("end", ["cut", "swallowed", "answer_swallowed", "errs_40001"])
def test_a_repeat_and_a_read_owe_no_more_than_a_delivery(ours: Target, kind: Kind, more: Outcome, end: str) -> None:
    owed = expected(by_end(ours, statement(postgres, "SELECT"))[end])
    moves = by_end(ours, statement(postgres, "SELECT", kind))[end].moves
    (request,) = [move.step for move in moves if isinstance(move, Do) and isinstance(move.step, Request)]
    assert request.expect == owed | more


def test_only_what_the_service_sends_for_a_request_is_a_statement() -> None:
    """What opens a connection is no request's."""
    phases: Sequence[tuple[Phase, str]] = [("startup", "user app"), ("query", "INSERT"), ("commit", "COMMIT")]
    seen = [
        Observed(Place("postgres", "sent", phase, "Any", text, 1), "postgres", text, 1, 10, True, False)
        for phase, text in phases
    ]
    assert [each.text for each in statements([Recording("warm", tuple(seen))], [postgres])] == ["INSERT", "COMMIT"]


def test_connections_are_open_before_they_are_cut_at_rest(target: Target) -> None:
    planned = {each.id: each for each in links_broken(target).planned}["standard_redis_idle_cut"]
    opened, cut = planned.moves[:2]
    assert opened == Do(Deliver())
    assert isinstance(cut, Do)
    assert isinstance(cut.step, Inject)


def test_every_request_is_asked_before_the_fault_is_healed(ours: Target) -> None:
    found = {each.id: each.moves for each in links_broken(ours).planned}
    for name in ("redis_poisoned", "postgres_out_of_sessions", "postgres_failed_over"):
        assert found[f"standard_{name}"][-2:] == (Do(Contract()), End(1)), name
    assert found["standard_redis_flushed"][-1] == Do(Contract())
    assert found["standard_redis_flushed"][0] == Do(Deliver()), "there is something to be flushed"
    [inject] = [move.step for move in found["standard_postgres_out_of_sessions"] if isinstance(move, Begin)]
    assert isinstance(inject, Inject)
    assert len(inject.faults) == 2, "the open connections are cut besides"


def test_what_takes_seconds_is_for_the_night_alone(target: Target) -> None:
    suite = links_broken(target)
    assert {each.id for each in suite.planned if each.nightly} == {
        f"standard_{link.name}_{end}" for link in (postgres, redis) for end in SLOW_ONES
    }
    for each in suite.planned:
        scenario = each.scenario(target)
        assert (scenario.nightly, scenario.needs) == (each.nightly, each.needs(target)), each.id


def test_a_service_that_showed_nothing_has_its_links_broken_and_that_is_said(target: Target) -> None:
    suite = links_broken(target, unrecorded="it ended")
    assert [(each.what, each.why) for each in suite.left_out] == [("the statements", "it ended")]
    assert "standard_redis_idle_cut" in {each.id for each in suite.planned}


def test_a_service_that_showed_nothing_is_failed_with_the_reason(target: Target) -> None:
    recorded, *_ = links_broken(target, unrecorded="it ended").planned
    assert recorded.id == "standard_recorded"
    assert not any(each.fails for each in links_broken(target).planned)
    steps: list[Move] = []

    class Performed:
        async def replay(self, moves: Sequence[Move]) -> None:
            steps.extend(moves)

    async def play() -> None:
        await recorded.scenario(target).play(cast("Lab", Performed()))

    with pytest.raises(AssertionError, match="were not broken, because in each recording it ended"):
        asyncio.run(play())
    assert [each.step for each in steps if isinstance(each, Do)] == [Inject((no_fault,)), Deliver()]


def test_a_link_that_no_delivery_uses_is_broken_for_every_request(target: Target) -> None:
    kept = {"postgres": 1, "redis": 1}
    seen = Unbroken(statements=(), kept=kept, used=frozenset(kept), others_only=frozenset({"redis"}))
    asks = {
        (each.id, any(isinstance(move, Do) and isinstance(move.step, Contract) for move in each.moves))
        for each in standard_suite(target, seen, nothing_lacks).planned
    }
    for end in ("idle_cut", "away_from_the_start", "away_soon_after_the_start", "silent", "slow"):
        assert {(f"standard_redis_{end}", True), (f"standard_postgres_{end}", False)} <= asks, end
