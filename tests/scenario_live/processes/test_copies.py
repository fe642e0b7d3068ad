"""Several processes of the service at once, and one that takes over."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections import Counter

import psutil

from harness import ACKNOWLEDGED, Lab, link, no_fault, redis, service
from harness.checks import Verdict
from harness.history.events import EvidenceSeen, ServiceEnded, ServiceStarted
from harness.results import RunResult
from tests.scenario_live.support import Runs, history_of, site_of


def _details(result: RunResult, what: str) -> list[str]:
    return [seen.detail for seen in history_of(result).of(EvidenceSeen) if seen.what == what]


def test_copies_take_turns_and_drain(runs: Runs) -> None:
    pids: list[int] = []

    async def play(lab: Lab) -> None:
        async with lab.copies(3):
            await lab.deliver(6)
            pids.extend(site_of(lab).service.pids())
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert len(pids) == 3
    assert len(list(history_of(result).of(ServiceStarted))) == 3
    (told,) = _details(result, "each_answered")
    assert [part.split()[0] for part in told.removeprefix("answers: ").split(", ")] == ["2", "2", "2"]
    ends = Counter((end.asked_by, end.status) for end in history_of(result).of(ServiceEnded))
    assert ends[("SIGTERM", 0)] == 2


def test_a_copy_that_answered_nothing_makes_the_run_inconclusive(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.copies(2):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "seen instead: no request was answered at port " in result.reason


def test_a_fault_strikes_every_copy(runs: Runs) -> None:
    """The connections of each are counted."""

    async def play(lab: Lab) -> None:
        async with lab.copies(2):
            await lab.deliver(4)
            async with lab.inject(link.cut(redis)):
                await lab.deliver(4)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert _details(result, "connections_cut")


def test_a_copy_that_dies_by_itself(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        async with lab.copies(2):
            await lab.deliver(2)
            first = site_of(lab).service.process.pid
            (other,) = site_of(lab).service.pids() - {first}
            os.kill(other, signal.SIGKILL)
            psutil.Process(other).wait(5)

    result = runs(play)

    assert result.failing_checks == ("alive",), result.reason


def test_a_rolling_change(runs: Runs) -> None:
    pids: list[int] = []

    async def play(lab: Lab) -> None:
        pids.append(site_of(lab).service.process.pid)
        async with lab.traffic(clients=4):
            await lab.until(service.answers(at_least=10, outcome=ACKNOWLEDGED))
            async with lab.roll():
                await lab.deliver(2)
            await lab.deliver(2)
        pids.append(site_of(lab).service.process.pid)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert pids[0] != pids[1]
    assert _details(result, "took_over") == [f"pid {pids[1]} took over; pid {pids[0]} ended with status 0"]


def test_a_service_that_is_given_its_port(runs: Runs) -> None:
    description = runs.bed.target.description
    environment = {**description.service.environment, "WEBHOOK_PORT": "{service.port}"}
    given = description.service.model_copy(update={"listening": None, "environment": environment})
    target = dataclasses.replace(runs.bed.target, description=description.model_copy(update={"service": given}))

    async def play(lab: Lab) -> None:
        async with lab.copies(2):
            await lab.deliver(2)
        await lab.roll()
        await lab.deliver()

    result = runs.on(target=target)(play)

    assert result.verdict is Verdict.HELD, result.reason
