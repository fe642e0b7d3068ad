"""What is broken is mended: by the block's end, by the run's end, and more often than needed without harm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import httpx
import pytest

from harness import ANY_OUTCOME, Fault, Lab, link, no_fault, postgres, process, redis, server, syscall
from harness.checks import Verdict
from harness.faults.evidence import EvidenceKind
from harness.faults.fault import Injection
from harness.faults.messages.relayed import misses, rule_for
from harness.faults.site import Site
from harness.history import Entry
from harness.history.events import FaultHealed, PhaseBegan, ServiceNotStarted
from harness.protocols.redis.probes import client as redis_client
from harness.protocols.redis.storage import DATABASES
from harness.relay import Cut
from harness.stack.service.start import ServiceStartError
from tests.scenario_live.support import Runs, Speechless, evidence, history_of, problems, site_of

HELD_BACK = """DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_trigger WHERE tgname = 'harness_holds_commits')
    OR EXISTS (SELECT FROM pg_proc WHERE proname = 'harness_holds_commits')
    OR EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND database =
               (SELECT oid FROM pg_database WHERE datname = current_database()))
    THEN RAISE EXCEPTION 'something of hold_commits is left'; END IF;
END $$"""

LINKS = [
    link.down(redis), link.cut(postgres), link.swallow(redis), link.timeout(redis, timeout_ms=50),
    link.reset(redis), link.latency(postgres, latency_ms=20), link.bandwidth(redis, rate_kb_s=20),
    link.slicer(postgres, average_bytes=50), link.limit_data(redis, limit_bytes=2),
]  # fmt: skip
OTHERS = [
    server.end_sessions(postgres), server.flush(redis), server.poison(redis),
    server.execute(redis, "PING"), process.pause(), process.kill(),
]  # fmt: skip


@pytest.mark.parametrize("faults", [LINKS, OTHERS], ids=["links", "others"])
def test_healed_twice(runs: Runs, faults: list[Fault]) -> None:
    """The second time does nothing: no error, no more evidence."""

    async def play(lab: Lab) -> None:
        for fault in faults:
            await lab.inject(fault)
            injection = lab.performer.faults.in_force[-1].injection
            async with lab.deliver(expect=ANY_OUTCOME):
                await lab.until(fault.fired())
                await lab.heal(fault)
                await injection.heal()
            await lab.deliver(expect=ANY_OUTCOME)

    result = runs(play, without=("redis.breaker",))

    assert result.verdict is Verdict.HELD, result.reason
    for fault, kinds in evidence(result).items():
        assert set(kinds.values()) == {1}, fault


@dataclass(frozen=True, repr=False)
class NeverBack(Fault, kind="test.never_back"):
    """A fault of the harness's own from which the service does not come up again."""

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (EvidenceKind("gone", "test", "it is gone"),)

    def injection(self, site: Site) -> Injection:
        return _NeverBack(site)


class _NeverBack(Injection):
    def __init__(self, site: Site) -> None:
        self._site = site

    async def act(self) -> None:
        self._site.saw(NeverBack.evidence[0], "it is gone")

    async def heal(self) -> None:
        raise ServiceStartError("silent", waited_s=5.0)


def test_a_service_that_does_not_come_back_is_its_own_failure_and_every_fault_is_healed(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(link.latency(redis, latency_ms=1))
        await lab.deliver()
        await lab.inject(NeverBack())

    result = runs(play)

    assert (result.verdict, result.reason, problems(result)) == (Verdict.FAILED, "alive: silent", [])
    assert [healed.number for healed in history_of(result).of(FaultHealed)] == [2, 1]
    # So that a busy machine may be why.
    assert [start.waited_s for start in history_of(result).of(ServiceNotStarted)] == [5.0]


def test_locks_healed_twice(runs: Runs) -> None:
    faults: list[Fault] = [server.lock(postgres, "deliveries"), server.hold_commits(postgres, "deliveries")]

    async def play(lab: Lab) -> None:
        for fault in faults:
            await lab.inject(fault)
            async with lab.deliver():
                await lab.until(fault.fired())
                injection = lab.performer.faults.in_force[-1].injection
                await injection.heal()
                await injection.heal()
                await lab.heal(fault)
        await lab.inject(server.execute(postgres, HELD_BACK))

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert [evidence(result)[repr(fault)] for fault in faults] == [{"lock_waited_for": 1}] * 2


def test_healed_inside_its_block(runs: Runs) -> None:
    """The block's end heals what is still in force, and only that."""
    slow, answered = link.latency(redis, latency_ms=20), syscall.connect(redis, errno="EINVAL")

    async def play(lab: Lab) -> None:
        async with lab.inject(slow, link.cut(redis), answered):
            await lab.deliver()
            await lab.heal(answered)
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert [healed.number for healed in history_of(result).of(FaultHealed)] == [3, 2, 1]


def test_everything_is_whole_before_recovery_is_looked_for(runs: Runs) -> None:
    """Whatever the scenario left broken: proxies listen and carry no toxic."""
    seen: list[tuple[bool, list[object]]] = []

    def watch(entry: Entry) -> None:
        if entry.event == PhaseBegan("recovery"):
            proxies = httpx.get(f"{runs.bed.stack.toxiproxy.api_url}/proxies", trust_env=False).json()
            client = runs.bed.stack.toxiproxy.client()
            seen.extend((client.enabled(name), list(client.toxics(name))) for name in proxies)

    async def play(lab: Lab) -> None:
        await lab.inject(link.down(redis), link.latency(postgres, latency_ms=10), link.reset(redis))
        await lab.inject(link.swallow(redis))
        await lab.deliver(expect=ANY_OUTCOME)

    result = runs(play, watch=watch)

    assert seen == [(True, [])] * len(runs.bed.target.description.links)
    assert [healed.number for healed in history_of(result).of(FaultHealed)] == [4, 3, 2, 1]


def test_healed_though_nobody_can_tell_what_was_there_instead(runs: Runs) -> None:
    """Once, and told as what it is."""

    async def play(lab: Lab) -> None:
        await lab.inject(Speechless())
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert evidence(result) == {repr(Speechless()): {"healed": 1}}
    (told,) = problems(result)
    assert "RuntimeError: nobody can tell" in told


def test_a_rule_that_was_never_armed_has_missed_nothing(runs: Runs) -> None:
    said: list[str] = []

    async def play(lab: Lab) -> None:
        site = site_of(lab)
        rule = rule_for(site.laid(postgres).hop, postgres.sent("DELETE"), Cut(), always=False)
        said.append(await misses(site, rule))
        await site.relay.arm(rule)
        said.append(await misses(site, rule))
        await site.relay.disarm(rule.id)
        said.append(await misses(site, rule))

    result = runs(play)

    assert problems(result) == []
    assert [bool(each) for each in said] == [False, True, False]


def test_a_cut_does_not_end_another_faults_work(runs: Runs) -> None:
    """A link that is down stays down, whatever else shuts it and heals."""
    down, cut = link.down(redis), link.cut(redis)

    async def play(lab: Lab) -> None:
        async with lab.inject(down):
            async with lab.inject(cut):
                pass
            proxy = site_of(lab).laid(redis).proxy
            assert not runs.bed.stack.toxiproxy.client().enabled(proxy)
            await lab.deliver()

    result = runs(play)

    assert result.failing_checks == ()
    assert evidence(result)[repr(down)].keys() == {"connections_cut", "connects_refused"}


def test_no_run_finds_the_keys_of_an_earlier_one(runs: Runs) -> None:
    """Redis has sixteen databases: the seventeenth run gets the first one's, and nothing of the first is in it."""
    seen: list[set[bytes | str]] = []

    async def play(lab: Lab) -> None:
        async with redis_client(site_of(lab).laid(redis).admin_url) as client:
            seen.append(set(await client.keys()))
        await lab.inject(no_fault)
        await lab.deliver()

    first = runs(play)
    of_first = next(runs.bed.numbers) - 1
    while next(runs.bed.numbers) % DATABASES != (of_first - 1) % DATABASES:
        pass
    second = runs(play)

    assert (first.verdict, second.verdict) == (Verdict.HELD, Verdict.HELD)
    left, found = seen
    assert left
    assert found.isdisjoint(left)


def test_two_faults_of_one_kind_add_up(runs: Runs) -> None:
    """A link that is far away becomes slow: the second latency comes on top, and goes alone."""
    took_ms: list[float] = []

    async def play(lab: Lab) -> None:
        async with lab.inject(link.latency(postgres, latency_ms=20)):
            async with lab.inject(link.latency(postgres, latency_ms=150)):
                took_ms.append((await lab.deliver())[0].took_ms)
            took_ms.append((await lab.deliver())[0].took_ms)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert took_ms[0] > 3 * (150 + 20), "a delivery makes three round trips at least"
    assert took_ms[1] > 3 * 20
