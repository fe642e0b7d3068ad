"""A fault that nothing of the service's feels makes the run inconclusive, whatever its kind."""

from __future__ import annotations

import pytest

from harness import Fault, Lab, link, postgres, process, redis, server, syscall
from harness.checks import Verdict
from tests.scenario_live.support import Runs, evidence, site_of

QUIET = [
    link.swallow(redis),
    link.timeout(redis, timeout_ms=60_000),
    link.reset(redis),
    link.latency(redis, latency_ms=50, jitter_ms=10),
    link.bandwidth(redis, rate_kb_s=100),
    link.slicer(redis, average_bytes=10),
    link.limit_data(redis, limit_bytes=1),
    link.slow_close(redis, delay_ms=50),
    link.swallow(postgres),
    link.latency(postgres, latency_ms=50),
    server.lock(postgres, "deliveries"),
    server.hold_commits(postgres, "deliveries"),
    server.poison(redis),
    syscall.connect(redis, errno="EINVAL"),
    syscall.connect(postgres, errno="ETIMEDOUT"),
]
"""In force while nothing is asked of the service."""

DEAD = [
    link.down(redis),
    link.down(postgres),
    link.cut(redis),
    link.cut(postgres),
    link.latency(redis, latency_ms=50),
    link.swallow(postgres),
    server.end_sessions(postgres),
    process.terminate(),
    process.pause(),
    process.kill(),
]
"""In force while there is no service: it was killed just before."""


def _says_so(fault: Fault, reason: str) -> bool:
    return reason == f"{fault!r} left no evidence: nothing of the service's felt it"


@pytest.mark.parametrize("faults", [QUIET[:8], QUIET[8:10], QUIET[10:]], ids=["redis", "postgres", "others"])
def test_nobody_uses_what_is_broken(runs: Runs, faults: list[Fault]) -> None:
    async def play(lab: Lab) -> None:
        for fault in faults:
            async with lab.inject(fault):
                pass
        await lab.deliver()

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ())
    assert _says_so(faults[0], result.reason), result.reason
    assert evidence(result) == {repr(fault): {} for fault in faults}


@pytest.mark.parametrize("faults", [DEAD[:5], DEAD[5:]], ids=["first-half", "second-half"])
def test_there_is_nobody_to_feel_it(runs: Runs, faults: list[Fault]) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(process.kill()):
            for fault in faults:
                async with lab.inject(fault):
                    pass
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert _says_so(faults[0], result.reason), result.reason
    found = evidence(result)
    # Of two kills in a row the first is the one that killed.
    assert {name: dict(kinds) for name, kinds in found.items() if kinds} == {"process.kill()": {"process_ended": 1}}
    assert found.keys() == {repr(fault) for fault in (*faults, process.kill())}


def test_traffic_alone_is_not_what_the_fault_is_about(runs: Runs) -> None:
    few, late = link.limit_data(redis, limit_bytes=10_000_000), link.slow_close(redis, delay_ms=50)

    async def play(lab: Lab) -> None:
        async with lab.inject(few, late):
            await lab.deliver(5)

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ())
    assert _says_so(few, result.reason), result.reason
    assert evidence(result) == {repr(few): {}, repr(late): {}}


def test_an_empty_redis_has_nothing_to_lose(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(server.flush(redis))
        await lab.inject(server.flush(redis))
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert _says_so(server.flush(redis), result.reason), result.reason
    assert evidence(result)["server.flush(redis)"] == {"keys_lost": 1}


def test_a_wrong_address_that_is_the_right_one(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(process.misconfigure(redis, url=site_of(lab).laid(redis).words["url"])):
            await lab.deliver()

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ())
    assert "left no evidence" in result.reason


def test_an_unknown_outcome_is_no_evidence_either(runs: Runs) -> None:
    """A failed expectation without evidence is not proof against the service."""

    async def play(lab: Lab) -> None:
        async with lab.inject(process.pause()):
            async with lab.inject(link.latency(redis, latency_ms=50)):
                pass
            await lab.deliver()

    result = runs(play, patience_s=0.5)

    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ("outcome",))
    assert "link.latency(redis, latency_ms=50) left no evidence" in result.reason
