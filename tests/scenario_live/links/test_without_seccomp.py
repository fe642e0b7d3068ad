"""A machine that cannot watch system calls runs all that does not need it, and says so of the rest."""

from __future__ import annotations

import pytest

from harness import ANY_OUTCOME, REFUSED, Fault, Lab, link, names, postgres, process, redis, syscall
from harness.checks import Verdict
from tests.scenario_live.support import Runs, evidence, site_of

WHY = "the kernel has no user notification; use a newer one"


@pytest.fixture
def blind(runs: Runs) -> Runs:
    return runs.on(lacks={"seccomp": WHY})


@pytest.mark.parametrize(
    "fault",
    [
        syscall.connect(redis, errno="EINVAL"),
        process.misconfigure(redis, url="redis://127.0.0.1:1"),
        names.nxdomain(redis),
    ],
    ids=str,
)
def test_what_needs_it_is_unavailable(blind: Runs, fault: Fault) -> None:
    async def play(lab: Lab) -> None:
        await lab.deliver()
        async with lab.inject(link.cut(redis), fault):
            await lab.deliver()

    result = blind(play)

    assert (result.verdict, result.reason) == (Verdict.UNAVAILABLE, f"needs seccomp: {WHY}")


def test_the_service_runs_unwatched(blind: Runs) -> None:
    """It starts, starts again, and what happens to its open connections is seen all the same."""
    down, slow = link.down(postgres), link.latency(redis, latency_ms=5)
    watched: list[object] = []

    async def play(lab: Lab) -> None:
        async with lab.inject(down):
            await lab.deliver(expect=REFUSED)
        async with lab.inject(slow):
            await lab.deliver()
        async with lab.inject(process.kill()):
            await lab.deliver(expect=ANY_OUTCOME)
        await lab.restart()
        await lab.deliver()
        watched.append(site_of(lab).service.process.spec.watched_calls)

    result = blind(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert watched == [frozenset()]
    assert evidence(result) == {
        repr(down): {"connections_cut": 1},
        repr(slow): {"toxic_met": 1},
        "process.kill()": {"process_ended": 1},
    }
