"""A PgBouncer between the service and PostgreSQL: told by what went through it, and gone when it is healed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness import ANY_OUTCOME, Lab, Postgres, postgres, server
from harness.checks import Verdict
from harness.faults.fault import Fault
from harness.stack.on_path import POOLER
from harness.stack.servers.server import Server
from tests.scenario_live.support import Runs, evidence, site_of

pytestmark = pytest.mark.skipif(not POOLER.available().available, reason=POOLER.available().detail)

POOLED = Postgres("pooled")
POOL = server.pooler(POOLED)
BEHIND_POOLER = ("DATABASE_URL={pooled.url}", "WEBHOOK_BEHIND_POOLER=1")


def _ended(servers: Sequence[Server]) -> bool:
    """Whether there was one, and its process has ended, also where it was started again."""
    (pooler,) = servers
    return pooler.process is not None and pooler.process.poll() is not None


def test_a_pooler_that_the_service_does_not_use_is_no_evidence(runs: Runs) -> None:
    paused, seen, before = server.pause_pooler(POOLED), [], len(runs.bed.server_changes)
    poolers: list[Server] = []

    async def play(lab: Lab) -> None:
        async with lab.inject(POOL), lab.inject(paused):
            poolers.append(site_of(lab).servers[POOLED.name])
            seen.append(site_of(lab).laid(POOLED).server)
        seen.append(site_of(lab).laid(POOLED).server)
        await lab.deliver()

    result = runs(play)

    assert seen == ["pooled", "postgres"]
    assert _ended(poolers)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert not any(evidence(result).values())
    assert [change for change in runs.bed.server_changes[before:] if not change.mended] == []


def test_who_is_late_to_want_it_back_does_not_get_it(runs: Runs) -> None:
    """A crash that is healed when the pooler has been given up: nothing is left behind, and the run is judged."""
    poolers: list[Server] = []

    async def play(lab: Lab) -> None:
        await lab.restart(*BEHIND_POOLER)
        async with lab.inject(POOL):
            await lab.deliver()
            await lab.inject(server.crash(POOLED, down_ms=None))
            poolers.append(site_of(lab).servers[POOLED.name])
            await lab.deliver(expect=ANY_OUTCOME)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert {"pooled", "connections_lost"} <= {kind for kinds in evidence(result).values() for kind in kinds}
    assert _ended(poolers)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (server.pooler(postgres), "no pooler leads by it to a server"),
        (server.pause_pooler(POOLED), "no PgBouncer is behind it"),
    ],
)
def test_a_link_without_a_pooler_is_refused(runs: Runs, fault: Fault, told: str) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            pass

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert told in result.reason
