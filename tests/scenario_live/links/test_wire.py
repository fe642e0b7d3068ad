"""Each wire fault takes effect at its message, and says where; each moves nothing but what it names."""

from __future__ import annotations

import re

from harness import ANY_OUTCOME, REFUSED, Fault, Lab, link, postgres, redis, wire
from harness.checks import Verdict
from harness.history.events import EvidenceSeen
from tests.scenario_live.support import Runs, evidence, history_of

ONCE: list[tuple[Fault, str]] = [
    (wire.cut(postgres.answered("COMMIT")), "wire_cut"),
    (wire.cut(postgres.answered("COMMIT"), after=True), "wire_cut"),
    (wire.reset(postgres.sent("INSERT"), after_bytes=3), "wire_reset"),
    (wire.stall(postgres.answered("INSERT")), "wire_stall"),
    (wire.delay(postgres.sent("INSERT"), delay_ms=20), "wire_delay"),
    (wire.drop(postgres.sent("INSERT")), "wire_drop"),
    (wire.drop_and_close(postgres.sent("COMMIT")), "wire_drop_and_close"),
    (wire.fail(postgres.sent("INSERT"), code="40001"), "wire_fail"),
    (wire.fail(redis.sent("SET"), code="OOM"), "wire_fail"),
    (wire.late(redis.answered("SET")), "wire_late"),
    (wire.duplicate(redis.sent("SET")), "wire_duplicate"),
    (wire.corrupt(redis.answered("SET"), at_byte=0), "wire_corrupt"),
    (wire.hold(redis.answered("SET")), "wire_hold"),
    (wire.order(redis.sent("SET"), postgres.sent("INSERT")), "wire_order"),
]


def test_each_leaves_evidence_once(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        for fault, _ in ONCE:
            async with lab.inject(fault):
                await lab.deliver(expect=ANY_OUTCOME)
            await lab.deliver(expect=ANY_OUTCOME)

    result = runs(play, without=("redis.breaker",))

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result) == {repr(fault): {kind: 1} for fault, kind in ONCE}
    assert {found.source for found in history_of(result).of(EvidenceSeen)} == {"relay"}


def test_evidence_names_message_statement_and_place(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(wire.cut(postgres.answered("COMMIT"), after_bytes=5)):
            await lab.deliver()

    result = runs(play)

    detail = result.evidence[0].detail
    expected = (
        r"postgres, connection \d+ \(port \d+\): CommandComplete answered 'COMMIT;?',"
        r" at byte \d+ of the stream, 5 bytes of it passed"
    )
    assert re.search(expected, detail), detail


def test_always_meets_each_and_once_the_first(runs: Runs) -> None:
    always = wire.fail(redis.sent("SET"), code="OOM", always=True)
    once = wire.fail(redis.sent("SET"), code="READONLY")

    async def play(lab: Lab) -> None:
        async with lab.inject(always):
            await lab.deliver(3)
            await lab.until(always.fired(3))
        async with lab.inject(once):
            await lab.deliver(3)

    result = runs(play, without=("redis.breaker",))

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result) == {repr(always): {"wire_fail": 3}, repr(once): {"wire_fail": 1}}


def test_held_messages_go_on_when_healed(runs: Runs) -> None:
    hold = wire.hold(postgres.sent("INSERT"))

    async def play(lab: Lab) -> None:
        await lab.inject(hold)
        async with lab.deliver(5):
            await lab.until(hold.fired(5))
            await lab.heal(hold)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result) == {repr(hold): {"wire_hold": 5}}


def test_a_rule_that_met_nothing_says_what_came_instead(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(wire.cut(postgres.sent("INSERT INTO delivery"))):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith(
        "wire.cut(postgres.sent('INSERT INTO delivery')) left no evidence that the service felt it; "
    )
    assert "; seen instead: " in result.reason
    assert "INSERT INTO deliveries" in result.reason.partition("; seen instead: ")[2]


def test_an_order_that_does_not_come_about_says_where_it_stopped(runs: Runs) -> None:
    order = wire.order(postgres.sent("INSERT"), postgres.sent("DELETE"))

    async def play(lab: Lab) -> None:
        async with lab.inject(order):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert f"{order!r} left no evidence" in result.reason
    assert "1 passed, then postgres.sent('DELETE') did not come" in result.reason


def test_a_link_goes_down_though_a_rule_holds_something_on_it(runs: Runs) -> None:
    held = wire.hold(postgres.answered("INSERT"))

    async def play(lab: Lab) -> None:
        await lab.inject(held)
        async with lab.deliver(expect=ANY_OUTCOME):
            await lab.until(held.fired())
            async with lab.inject(link.down(postgres)):
                await lab.deliver(expect=REFUSED)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(link.down(postgres))] == {"connections_cut": 1, "connects_refused": 1}
