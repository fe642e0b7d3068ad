"""Redis fails over and back: what the promoted server was told is kept, and it is gone."""

from __future__ import annotations

from harness import Lab, redis, server
from harness.checks import Verdict
from harness.protocols.redis.probes import client
from harness.stack.tcp.sockets import listening
from tests.scenario_live.support import Runs, all_mended, evidence, site_of

FAILOVER = server.demote(redis)


def test_what_the_promoted_one_has_is_there_after_the_failback(runs: Runs) -> None:
    seen, left = [], []

    async def play(lab: Lab) -> None:
        site = site_of(lab)
        old = site.laid(redis).upstream
        await lab.deliver(3)
        async with lab.inject(FAILOVER):
            new = site.laid(redis).upstream
            async with client(f"redis://{new}/0") as promoted, client(f"redis://{old}/0") as demoted:
                await promoted.set("of-the-test", "1", ex=60)
                seen.append(((await promoted.info("replication"))["role"], (await demoted.info("replication"))["role"]))
            for _ in range(3):
                await lab.deliver()
        async with client(f"redis://{old}/0") as again:
            left.append((await again.info("replication"))["role"])
            left.append(await again.getdel("of-the-test"))
        left.append(len(listening(new.port)))
        await lab.deliver(3)

    result = runs(play)

    assert seen == [("master", "slave")]
    assert left == ["master", b"1", 0]
    assert result.verdict is Verdict.HELD, result.reason
    assert set(evidence(result)[repr(FAILOVER)]) <= {"demoted_written", "new_connections_followed"}
    assert all_mended(runs.bed, FAILOVER)  # other tests change these servers, too
