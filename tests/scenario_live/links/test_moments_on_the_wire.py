"""Messages as moments: waited for, hung up at, and struck at by faults of other layers."""

from __future__ import annotations

import pytest

from harness import (
    ACKNOWLEDGED,
    ANY_OUTCOME,
    UNKNOWN,
    Lab,
    Message,
    Moment,
    link,
    postgres,
    process,
    redis,
    server,
    service,
    wire,
)
from harness.checks import Verdict
from harness.checks.facts.exchanges import exchanges
from harness.history.events import EvidenceSeen, MomentMissed, MomentReached, RequestEnded
from tests.scenario_live.support import Runs, evidence, history_of


def test_a_message_is_waited_for_since_the_last_fault(runs: Runs) -> None:
    hold = wire.hold(postgres.sent("COMMIT"))

    async def play(lab: Lab) -> None:
        await lab.inject(hold)
        async with lab.deliver(2):
            await lab.until(postgres.sent("COMMIT", nth=2))
            await lab.heal(hold)
        await lab.until(postgres.answered("COMMIT", nth=2))
        async with lab.inject(link.cut(redis)):
            # What passed before that does not count.
            await lab.until(postgres.sent("COMMIT"), within_s=0.1)

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert len(list(history_of(result).of(MomentReached))) == 2
    [missed] = history_of(result).of(MomentMissed)
    assert missed.detail.startswith("0 times postgres.sent('COMMIT')")


HANG_UPS = [postgres.sent("INSERT"), postgres.sent("COMMIT"), postgres.answered("COMMIT")]


@pytest.mark.parametrize("at", HANG_UPS, ids=["insert", "commit", "committed"])
def test_each_client_hangs_up_while_its_message_is_held(runs: Runs, at: Message) -> None:
    async def play(lab: Lab) -> None:
        answers = await lab.deliver(5, hang_up_at=at, expect=UNKNOWN)
        assert {answer.problem for answer in answers} == {f"hung up at {at!r}"}
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result) == {repr(wire.hang_up(at)): {"wire_hang_up": 5}}
    met = [(each.at.port, each.at.offset) for each in history_of(result).of(EvidenceSeen) if each.at]
    assert len(set(met)) == 5
    ended = [each.ended.hung_up_at for each in exchanges(history_of(result)) if each.judged and each.ended]
    assert ended == [at] * 5 + [None]


def test_a_client_whose_message_the_service_does_not_wait_for_is_answered(runs: Runs) -> None:
    """A use of Redis takes 50 ms at most, which may pass on a busy machine before a client hangs up."""

    async def play(lab: Lab) -> None:
        answers = await lab.deliver(5, hang_up_at=redis.sent("SET"), expect=UNKNOWN | ACKNOWLEDGED)
        assert {answer.problem for answer in answers} <= {f"hung up at {redis.sent('SET')!r}", None}

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    [(_, seen)] = evidence(result).items()
    assert 1 <= seen["wire_hang_up"] <= 5


def test_all_clients_hang_up_while_all_their_messages_are_held(runs: Runs) -> None:
    hang_up = wire.hang_up(postgres.sent("COMMIT"))

    async def play(lab: Lab) -> None:
        async with lab.inject(hang_up):
            await lab.deliver(5, expect=UNKNOWN)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result) == {repr(hang_up): {"wire_hang_up": 5}}
    ports = {each.at.port for each in history_of(result).of(EvidenceSeen) if each.at}
    assert len(ports) == 5, "as many connections were in their COMMIT at once"


def test_clients_hang_up_at_a_message_that_there_is_but_once(runs: Runs) -> None:
    at = postgres.sent("INSERT", nth=2)

    async def play(lab: Lab) -> None:
        answers = await lab.deliver(3, hang_up_at=at, expect=ANY_OUTCOME)
        assert [answer.problem for answer in answers] == [None, f"hung up at {at!r}", None]

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result) == {repr(wire.hang_up(at)): {"wire_hang_up": 1}}


def test_clients_of_traffic_hang_up_at_a_message(runs: Runs) -> None:
    hang_up = wire.hang_up(postgres.sent("COMMIT"))

    async def play(lab: Lab) -> None:
        async with lab.traffic(clients=3, expect=ANY_OUTCOME), lab.inject(hang_up):
            await lab.until(hang_up.fired(6))

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    ended = [each.hung_up_at for each in history_of(result).of(RequestEnded) if each.hung_up_at]
    assert len(ended) >= 6


def test_clients_hang_up_at_another_moment(runs: Runs) -> None:
    hold = wire.hold(postgres.sent("INSERT"))

    async def play(lab: Lab) -> None:
        async with lab.inject(hold):
            await lab.deliver(3, hang_up_at=hold.fired(3), expect=UNKNOWN)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[f"hang_up_at={hold.fired(3)!r}"] == {"hang_up": 3}


@pytest.mark.parametrize("at", [postgres.sent("DELETE"), postgres.waiting("INSERT")], ids=["message", "state"])
def test_a_hang_up_that_was_never_reached(runs: Runs, at: Moment) -> None:
    async def play(lab: Lab) -> None:
        await lab.deliver(5, hang_up_at=at)

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "left no evidence that the service felt it; " in result.reason
    assert "; seen instead: 0 of 5 clients hung up; " in result.reason


@pytest.mark.parametrize("at", [postgres.sent("COMMIT"), postgres.answered("COMMIT")], ids=["sent", "answered"])
def test_the_message_waits_until_the_fault_has_acted(runs: Runs, at: Moment) -> None:
    """Killed while the message was held: the client cannot have had an answer that follows it."""
    kill = process.kill(at=at)

    async def play(lab: Lab) -> None:
        async with lab.inject(kill):
            await lab.deliver(expect=UNKNOWN)
            await lab.until(kill.fired())

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result) == {repr(kill): {"process_ended": 1}}


def test_every_layer_strikes_at_a_message(runs: Runs) -> None:
    at = postgres.sent("INSERT")
    faults = {
        link.cut(postgres, at=at): "connections_cut",
        link.cut(postgres, at=postgres.answered("INSERT")): "connections_cut",
        server.end_sessions(postgres, at=at): "sessions_ended",
        server.execute(postgres, "ANALYZE deliveries", at=at): "executed",
        server.flush(redis, at=at): "keys_lost",
        process.pause(at=at): "process_stopped",
        process.terminate(at=at): "listener_closed",
    }

    async def play(lab: Lab) -> None:
        for fault in faults:
            await lab.inject(fault)
            async with lab.deliver(expect=ANY_OUTCOME):
                await lab.until(fault.fired())
                await lab.heal(fault)
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    found = evidence(result)
    assert {fault: kind in found[repr(fault)] for fault, kind in faults.items()} == dict.fromkeys(faults, True)


def test_answers_that_a_fault_waits_for_are_counted_from_where_it_was_armed(runs: Runs) -> None:
    cut = link.cut(postgres, at=service.answers(at_least=5))

    async def play(lab: Lab) -> None:
        await lab.inject(cut)
        await lab.deliver(4)
        await lab.inject(link.cut(redis))  # what is counted goes on from where the first fault was armed
        await lab.deliver(1)
        await lab.until(cut.fired())

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(cut)] == {"connections_cut": 1}


@pytest.mark.parametrize(
    ("at", "instead"),
    [
        (postgres.sent("DELETE"), "deliveries"),
        (service.answers(at_least=5, outcome=ACKNOWLEDGED), "1 answers acknowledged"),
    ],
    ids=["message", "state"],
)
def test_a_moment_that_never_came(runs: Runs, at: Moment, instead: str) -> None:
    kill = process.kill(at=at)

    async def play(lab: Lab) -> None:
        async with lab.inject(kill):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith(f"{kill!r} left no evidence that the service felt it; ")
    assert instead in result.reason.partition("; seen instead: ")[2]
