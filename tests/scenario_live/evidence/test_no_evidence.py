"""A fault that nothing of the service's feels makes the run inconclusive, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness import ANY_OUTCOME, Fault, Lab, Postgres, link, names, postgres, process, redis, server, syscall
from harness.checks import Verdict
from harness.history.events import EvidenceSeen, FaultActed, ServiceStarted
from harness.vocabulary import Figure
from tests.scenario_live.support import Runs, evidence, history_of, site_of

QUIET = [
    link.swallow(postgres),
    link.latency(postgres, latency_ms=50),
    link.swallow_syn(postgres),
    syscall.connect(postgres, errno="ETIMEDOUT"),
    # Of Redis: the service's keepalive tries idle connections to PostgreSQL each second, and that may get lost.
    link.dead(redis, way="answered"),
    link.lose(redis, percent=90),
    # The service has connections, and its settings have addresses.
    names.nxdomain(postgres),
    names.no_answer(postgres),
    names.slow(postgres, ms=100),
    names.dead_first(postgres),
]
"""In force while nothing is asked of the service, beside each fault's own example (`test_disarmed.py`)."""

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
    return reason == f"{fault!r} left no evidence that the service felt it"


def test_nobody_uses_what_is_broken(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        for fault in QUIET:
            async with lab.inject(fault):
                pass
        await lab.deliver()

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ())
    assert _says_so(QUIET[0], result.reason), result.reason
    assert evidence(result) == {repr(fault): {} for fault in QUIET}


@pytest.mark.parametrize("faults", [DEAD[:5], DEAD[5:]], ids=["first-half", "second-half"])
def test_a_service_that_is_dead_feels_no_fault(runs: Runs, faults: list[Fault]) -> None:
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
    faults = [
        link.limit_data(redis, limit_bytes=10_000_000),
        link.slow_close(redis, delay_ms=50),
        link.slicer(redis, average_bytes=30_000),
        link.bandwidth(redis, rate_kb_s=10_000_000),
    ]

    async def play(lab: Lab) -> None:
        for fault in faults:
            async with lab.inject(fault):
                await lab.deliver(5)

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ())
    assert _says_so(faults[0], result.reason), result.reason
    assert evidence(result) == {repr(fault): {} for fault in faults}


def test_a_connection_that_ends_by_itself_has_not_reached_its_limit(runs: Runs) -> None:
    """More deliveries at once than the pool keeps: the service closes the rest itself."""
    limit = link.limit_data(postgres, limit_bytes=1 << 39)

    async def play(lab: Lab) -> None:
        async with lab.inject(limit):
            async with lab.inject(slow):
                await lab.deliver(12)
            await lab.deliver()

    slow = link.latency(postgres, latency_ms=50)
    result = runs(play, without=("pool.keeps_all",))

    assert result.verdict is Verdict.INCONCLUSIVE
    assert _says_so(limit, result.reason), result.reason
    assert "ended" in next(seen.detail for seen in history_of(result).of(EvidenceSeen))
    assert ", 0 ended" not in next(seen.detail for seen in history_of(result).of(EvidenceSeen))


@pytest.mark.parametrize(
    "fault",
    [
        link.limit_data(redis, limit_bytes=1 << 39),
        link.swallow(redis),
        link.timeout(redis, timeout_ms=60_000),
        link.latency(redis, latency_ms=5_000),
        link.reset(redis),
        link.slow_close(redis, delay_ms=50),
    ],
    ids=lambda fault: fault.kind,
)
def test_what_another_fault_cuts_is_no_evidence(runs: Runs, fault: Fault) -> None:
    cut = link.cut(redis)

    async def play(lab: Lab) -> None:
        async with lab.inject(fault, cut):
            pass
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert _says_so(fault, result.reason), result.reason
    assert evidence(result) == {repr(fault): {}, repr(cut): {"connections_cut": 1}}


def test_a_lock_that_nobody_waited_for(runs: Runs) -> None:
    """What the server's log says of another lock, held at the same time, is no word about this one."""
    other, waited = server.lock(postgres, "alembic_version"), server.lock(postgres, "deliveries")
    held = server.hold_commits(postgres, "alembic_version")

    async def play(lab: Lab) -> None:
        await lab.inject(held, other, waited)
        async with lab.deliver():
            await lab.until(postgres.logged("still waiting for RowExclusiveLock"))
            await lab.heal(waited)

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert _says_so(held, result.reason), result.reason
    assert evidence(result) == {repr(held): {}, repr(other): {}, repr(waited): {"lock_waited_for": 1}}


@pytest.mark.parametrize("made", [server.lock, server.hold_commits])
def test_a_session_that_gave_up_waiting_for_a_lock_is_known_by_the_log(
    runs: Runs, made: Callable[[Postgres, str], Fault]
) -> None:
    """Its session waits no longer when it is healed."""
    fault = made(postgres, "deliveries")

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.deliver(expect=ANY_OUTCOME)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result) == {repr(fault): {"lock_waited_for": 1}}


@pytest.mark.parametrize(
    "fault",
    [
        server.execute(postgres, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE false"),
        server.execute(postgres, "DELETE FROM deliveries WHERE id = 'no such'"),
        server.execute(redis, "DEL nosuch"),
        server.execute(redis, "GET nosuch"),
        server.execute(redis, "KEYS nosuch"),
        server.execute(redis, "EXPIRE nosuch 10"),
        server.execute(redis, "TTL nosuch"),
        server.execute(redis, "SMEMBERS nosuch"),
        server.execute(redis, "HGETALL nosuch"),
        server.execute(postgres, "SET work_mem = '1MB'"),
    ],
    ids=lambda fault: fault.text,
)
def test_a_statement_that_does_nothing(runs: Runs, fault: server.Execute) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(fault)
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "left no evidence that the service felt it; seen instead: the server said " in result.reason
    assert evidence(result) == {repr(fault): {}}


def test_a_pause_that_nobody_felt(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(process.pause()):
            pass
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert _says_so(process.pause(), result.reason), result.reason
    assert evidence(result) == {"process.pause()": {}}


def test_an_empty_redis_has_nothing_to_lose(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(server.flush(redis))
        await lab.inject(server.flush(redis))
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert _says_so(server.flush(redis), result.reason), result.reason
    assert evidence(result)["server.flush(redis)"] == {"keys_lost": 1}


@pytest.mark.parametrize("host", ["192.0.2.1", "[2001:db8::1]", "redis.example", "[fe80::1%lo]", "169.254.1.1"])
def test_the_service_is_sent_to_no_other_host(runs: Runs, host: str) -> None:
    """Neither does it dial there, nor is it stopped."""

    async def play(lab: Lab) -> None:
        await lab.inject(process.misconfigure(redis, url=f"redis://{host}:6379"))

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ())
    assert f"and {host.strip('[]')} is not this machine" in result.reason
    assert "--allow-host" in result.reason
    assert len(list(history_of(result).of(ServiceStarted))) == 1
    assert not list(history_of(result).of(FaultActed))


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


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        (redis.sends_per_request, "the service sent nothing on redis in the scenario"),
        (postgres.connects_peak(within_ms=250), "the service did not connect to postgres in the scenario"),
    ],
    ids=str,
)
def test_a_figure_of_what_did_not_happen(runs: Runs, figure: Figure, told: str) -> None:
    """Nothing came to Redis, and PostgreSQL's connections were there: no limit is kept by that."""

    async def play(lab: Lab) -> None:
        async with lab.inject(link.down(redis)):
            await lab.deliver()
        lab.expect(figure, at_most=5)

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ())
    assert told in result.reason, result.reason
