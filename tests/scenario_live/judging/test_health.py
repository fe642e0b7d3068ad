"""The service's health is sampled during a scenario, and no sample takes part in what the scenario is about."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from harness import ANY_OUTCOME, REFUSED, Lab, link, postgres, redis, server, syscall, wire
from harness.checks import Verdict
from harness.checks.facts.exchanges import Exchange, exchanges
from harness.faults.fault import Fault
from harness.history import History
from harness.history.events import FaultHealed, PhaseBegan, Purpose
from harness.polling import poll_async
from harness.vocabulary import ACKNOWLEDGED, UNKNOWN
from tests.scenario_live.support import Play, Runs, history_of, problems


def samples(history: History, name: str) -> Sequence[Exchange]:
    """What was sampled while the scenario was under way, or has been so far."""
    began = {phase.phase: entry.t_ns for entry, phase in history.placed(PhaseBegan)}
    began_ns, over_ns = began["scenario"], began.get("recovery", math.inf)
    return [
        e
        for e in exchanges(history)
        if e.sent.purpose == Purpose.SAMPLE and e.sent.name == name and began_ns < e.span[0] < over_ns
    ]


def under(*faults: Fault, n: int = 1) -> Play:
    async def play(lab: Lab) -> None:
        async with lab.inject(*faults):
            if n:
                await lab.deliver(n, expect=ANY_OUTCOME)

    return play


@pytest.mark.parametrize(
    "faults",
    [
        (link.down(postgres),),
        (link.down(redis),),
        (syscall.connect(postgres, errno="EINVAL"), link.cut(postgres)),
    ],
)  # fmt: skip
def test_readiness_is_asked_before_a_link_comes_back_that_was_away(runs: Runs, faults: tuple[Fault, ...]) -> None:
    result = runs(under(*faults))
    assert result.verdict is Verdict.HELD, result.reason
    history = history_of(result)
    healed_ns = next(entry.t_ns for entry, _ in history.placed(FaultHealed))
    (asked,) = samples(history, "ready")
    assert asked.span[1] < healed_ns
    assert asked.outcome == (ACKNOWLEDGED if faults[0] == link.down(redis) else REFUSED)
    judged = next(check for check in result.checks if check.name == "health_is_true")
    assert judged.observations >= 4, "alive and ready, before the scenario and after it, and while it was broken"


async def _traffic_goes_on(lab: Lab) -> None:
    async with lab.traffic(clients=1, expect=ANY_OUTCOME), lab.inject(link.down(redis)):
        await lab.deliver(3, expect=ANY_OUTCOME)


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(under(link.down(redis), n=0), id="nothing-was-delivered"),
        pytest.param(under(link.cut(postgres)), id="dead-connections-would-be-used-up"),
        pytest.param(under(wire.fail(postgres.sent("SELECT"), code="57014", always=True)), id="a-rule-waits"),
        pytest.param(under(link.down(redis), wire.fail(postgres.sent("INSERT"), code="40001")), id="a-rule-was-armed"),
        pytest.param(under(link.latency(redis, latency_ms=1)), id="evidence-would-be-left"),
        pytest.param(under(link.down(postgres), syscall.connect(redis, errno="EINVAL")), id="one-was-not-met"),
        pytest.param(_traffic_goes_on, id="requests-are-under-way"),
    ],
)
def test_readiness_is_not_asked_where_that_could_disturb(runs: Runs, play: Play) -> None:
    result = runs(play)
    assert not samples(history_of(result), "ready")
    assert not problems(result)


def test_a_fault_that_only_a_sample_would_have_felt_leaves_no_evidence(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(syscall.connect(postgres, errno="EINVAL"), link.swallow(redis)):
            pass
        await lab.deliver()

    result = runs(play)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "left no evidence" in result.reason


def test_that_it_is_alive_is_asked_throughout(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        locked = server.lock(postgres, "deliveries")
        async with lab.inject(locked), lab.deliver(expect=ANY_OUTCOME):

            async def asked() -> bool:
                return len(samples(lab.performer.history, "alive")) > 1

            assert await poll_async(asked, within_s=20)

    result = runs(play)
    assert result.verdict is Verdict.HELD, result.reason
    outcomes = [e.outcome for e in samples(history_of(result), "alive")]
    assert len(outcomes) > 1
    assert {*outcomes} == {ACKNOWLEDGED}


def test_a_service_that_is_started_again_is_not_asked_meanwhile(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(link.down(redis)):
            await lab.restart()
            await lab.deliver()

    result = runs(play)
    assert result.verdict is Verdict.HELD, result.reason
    assert all(e.outcome != UNKNOWN for e in samples(history_of(result), "alive"))
