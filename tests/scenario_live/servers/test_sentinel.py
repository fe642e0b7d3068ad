"""A Sentinel that watches Redis: told by who asked it, and gone when it is healed, with all that it has changed."""

from __future__ import annotations

import pytest

from harness import Lab, Redis, redis, server, service
from harness.checks import Verdict
from harness.errors import UsageError
from harness.protocols.redis.probes import client
from harness.stack.tcp.sockets import listening
from tests.scenario_live.support import Runs, all_mended, evidence, site_of

SENTINEL = Redis("sentinel")
WATCHED = server.sentinel(SENTINEL)
KILLED = server.fail_over(SENTINEL, how="killed")


def test_a_failover_that_the_service_does_not_notice_is_no_evidence(runs: Runs) -> None:
    """It is carried out all the same, and undone: what the promoted one was told is there, and nothing else is left."""
    seen: list[str] = []
    left: list[str | int] = []

    async def play(lab: Lab) -> None:
        site = site_of(lab)
        old = site.laid(redis).upstream
        async with lab.inject(WATCHED):
            seen.append(site.laid(SENTINEL).server)
            ports = [site.laid(SENTINEL).upstream.port]
            async with lab.inject(KILLED):
                new = site.laid(redis).upstream
                async with client(f"redis://{new}/0") as promoted:
                    seen.append((await promoted.info("replication"))["role"])
                    await promoted.ping()
                ports.append(new.port)
        seen.append(site.laid(SENTINEL).server)
        async with client(f"redis://{old}/0") as again:
            left.append((await again.info("replication"))["role"])
        left.extend(len(listening(port)) for port in ports)
        left.extend(name for name in site.toxiproxy.client().names() if name.endswith("-primary"))
        await lab.deliver()

    result = runs(play)

    assert seen == ["sentinel", "master", "redis"]
    assert left == ["master", 0, 0]
    assert result.verdict is Verdict.INCONCLUSIVE
    assert evidence(result) == {repr(WATCHED): {"watched": 1}, repr(KILLED): {}}
    assert all_mended(runs.bed, WATCHED)


def test_who_has_failed_over_is_told_by_the_commands_that_it_got(runs: Runs) -> None:
    kept = []

    async def play(lab: Lab) -> None:
        site = site_of(lab)
        old = site.laid(redis).upstream
        async with lab.inject(WATCHED):
            await lab.restart(
                "WEBHOOK_REDIS_SENTINELS={sentinel.host}:{sentinel.port}", "WEBHOOK_REDIS_SENTINEL_NAME=cache"
            )
            await lab.deliver(2)
            async with lab.inject(KILLED):
                async with client(f"redis://{site.laid(redis).upstream}/0") as promoted:
                    await promoted.set("of-the-test", "1", ex=60)
                await lab.until(service.metric_is("webhook_breaker_state", at_most=0))
                await lab.deliver(2)
        async with client(f"redis://{old}/0") as again:
            kept.append(await again.getdel("of-the-test"))

    result = runs(play)

    assert kept == [b"1"]
    assert evidence(result)[repr(KILLED)]["elected_used"] == 1, result.reason
    assert evidence(result)[repr(WATCHED)] == {"watched": 1, "sentinel_asked": 1}


def test_there_is_no_failover_without_a_sentinel(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        with pytest.raises(UsageError, match=r"no Sentinel is behind it"):
            await lab.inject(KILLED)
        await lab.deliver()

    assert runs(play).verdict is not Verdict.FAILED
