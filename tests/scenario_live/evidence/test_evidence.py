"""Every kind of fault leaves evidence of its own kind, on either link, on open connections and on new ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness import ANY_OUTCOME, REFUSED, Fault, Lab, Link, link, no_fault, postgres, process, redis, server, syscall
from harness.checks import Verdict
from harness.protocols.postgres.faults import EndSessions
from harness.protocols.redis.probes import client as redis_client
from tests.scenario_live.support import Runs, evidence, site_of

UNCHECKED = ("redis.breaker",)
"""With it, a Redis that failed a few times is left alone, and so is the fault."""
MET = "toxic_met"


CUTTING: list[Callable[[Link], tuple[Fault, set[str]]]] = [
    lambda target: (link.down(target), {"connections_cut", "connects_refused"}),
    lambda target: (link.reset(target), {MET}),
    lambda target: (link.timeout(target, timeout_ms=50), {MET}),
    lambda target: (link.limit_data(target, limit_bytes=2), {MET}),
    lambda target: (link.swallow(target), {MET}),
]
DELAYING: list[Callable[[Link], tuple[Fault, set[str]]]] = [
    lambda target: (link.latency(target, latency_ms=20), {MET}),
    lambda target: (link.latency(target, latency_ms=20, jitter_ms=20, stream="upstream"), {MET}),
    lambda target: (link.bandwidth(target, rate_kb_s=50), {MET}),
    lambda target: (link.slicer(target, average_bytes=3, delay_us=10), {MET}),
]


@pytest.mark.parametrize("target", [redis, postgres], ids=str)
@pytest.mark.parametrize("made", [CUTTING, DELAYING], ids=["cutting", "delaying"])
def test_open_and_new_connections_of_a_link(
    runs: Runs, target: Link, made: list[Callable[[Link], tuple[Fault, set[str]]]]
) -> None:
    cut = link.cut(target)
    cases = [make(target) for make in made]

    async def play(lab: Lab) -> None:
        for fault, _ in cases:
            async with lab.inject(fault):
                await lab.deliver(2, expect=ANY_OUTCOME)
            await lab.deliver(2, expect=ANY_OUTCOME)
            await lab.until(target.idle())  # a busy machine may have cost a connection: there must be one to cut
            # Nothing is connected after the cut: what is made now meets the fault from its first byte.
            async with lab.inject(cut, fault):
                await lab.deliver(2, expect=ANY_OUTCOME)
            await lab.deliver(2, expect=ANY_OUTCOME)

    result = runs(play, without=UNCHECKED, patience_s=1)

    assert result.verdict is Verdict.HELD, result.reason
    found = dict(evidence(result))
    assert found.pop(repr(cut)) == {"connections_cut": len(cases)}
    assert {fault: set(kinds) for fault, kinds in found.items()} == {repr(fault): kinds for fault, kinds in cases}
    # Both times: on the connections that were open, and on those made under it.
    assert {kinds["toxic_met"] or kinds["connects_refused"] for kinds in found.values()} == {2}


@pytest.mark.parametrize("target", [redis, postgres], ids=str)
def test_before_the_service_has_ever_connected(runs: Runs, target: Link) -> None:
    latency, down = link.latency(target, latency_ms=20), link.down(target)

    async def play(lab: Lab) -> None:
        for fault in (latency, down):
            await lab.inject(process.kill(), fault)
            await lab.heal(process.kill())
            await lab.deliver(2, expect=ANY_OUTCOME)
            await lab.heal(fault)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    found = evidence(result)
    assert found[repr(latency)] == {"toxic_met": 1}
    assert found[repr(down)] == {"connects_refused": 1}
    assert found["process.kill()"] == {"process_ended": 2}


@pytest.mark.parametrize(
    "closing",
    [server.end_sessions(postgres), server.execute(redis, "CLIENT KILL TYPE normal SKIPME yes")],
    ids=["postgres", "redis"],
)
def test_a_close_that_is_late(runs: Runs, closing: EndSessions | server.Execute) -> None:
    """The server has closed, and the service does not know: only Toxiproxy's own side shows it."""
    slow = link.slow_close(closing.link, delay_ms=60_000)

    async def play(lab: Lab) -> None:
        async with lab.inject(slow):
            await lab.inject(closing)
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(slow)] == {"toxic_met": 1}


def test_an_answer_that_the_service_no_longer_waits_for(runs: Runs) -> None:
    """It had asked before the fault, and the connection ended under it unanswered: not a byte moved meanwhile."""
    lock, swallow = server.lock(postgres, "deliveries"), link.swallow(postgres)

    async def play(lab: Lab) -> None:
        await lab.inject(lock)
        async with lab.deliver(expect=REFUSED):
            await lab.until(postgres.waiting("INSERT"))
            await lab.inject(swallow)
            await lab.heal(lock)

    result = runs(play, without=("deadline.request", "retry.database"))

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(swallow)] == {"toxic_met": 1}


def test_servers(runs: Runs) -> None:
    lock, hold = server.lock(postgres, "deliveries"), server.hold_commits(postgres, "deliveries")
    poison, flush, ended = server.poison(redis), server.flush(redis), server.end_sessions(postgres)
    said = server.execute(postgres, "ANALYZE deliveries")

    async def play(lab: Lab) -> None:
        async with lab.inject(poison):
            await lab.deliver(3)
            await lab.until(poison.fired(3))
        for waited in (lock, hold):
            await lab.inject(waited)
            async with lab.deliver():
                await lab.until(waited.fired())
                await lab.heal(waited)
        await lab.inject(flush, ended, said)
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result) == {
        repr(poison): {"poison_met": 1},
        repr(lock): {"lock_waited_for": 1},
        repr(hold): {"lock_waited_for": 1},
        repr(flush): {"keys_lost": 1},
        repr(ended): {"sessions_ended": 1},
        repr(said): {"executed": 1},
    }


def test_the_service_and_its_calls(runs: Runs) -> None:
    answered = syscall.connect(postgres, errno="EINVAL")
    wrong = process.misconfigure(redis, url="redis://127.0.0.1:1")

    async def play(lab: Lab) -> None:
        async with lab.inject(answered, link.cut(postgres)):
            await lab.deliver(expect=REFUSED)
            await lab.until(answered.fired())
        async with lab.deliver(expect=ANY_OUTCOME), lab.inject(process.pause()):
            await lab.until(process.pause().fired())
        async with lab.inject(process.kill()):
            await lab.deliver(expect=REFUSED)
        async with lab.inject(process.terminate()):
            await lab.deliver(expect=REFUSED)
        async with lab.inject(wrong):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result) == {
        repr(answered): {"call_answered": 1},
        "link.cut(postgres)": {"connections_cut": 1},
        "process.pause()": {"process_stopped": 1},
        "process.kill()": {"process_ended": 1},
        "process.terminate()": {"listener_closed": 1, "process_ended": 1},
        repr(wrong): {"wrong_address_dialled": 1},
    }


def test_nothing_broken_is_proved_by_answers(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        await lab.deliver(3)

    result = runs(play)

    assert result.verdict is Verdict.HELD
    assert [(found.kind, found.source) for found in result.evidence] == [("answers", "client")]


def test_what_was_executed_is_undone_at_heal_and_told_to_the_bed(runs: Runs) -> None:
    """Whoever undoes it, a session is not to trust these servers any more."""
    name = "slowlog-max-len"
    seen: list[str] = []

    async def kept(lab: Lab) -> str:
        async with redis_client(site_of(lab).laid(redis).admin_url) as client:
            return str((await client.config_get(name))[name])

    fault = server.execute(redis, f"CONFIG SET {name} 99", undo=f"CONFIG SET {name} 128")

    async def play(lab: Lab) -> None:
        async with lab.inject(fault, link.cut(redis)):  # the text alone is felt by nothing
            await lab.deliver()
            seen.append(await kept(lab))
        seen.append(await kept(lab))

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert (seen, runs.bed.server_changes[-1].fault) == (["99", "128"], fault)
