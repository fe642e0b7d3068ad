"""What ran is in a schedule file, and what is in the file runs the same way."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from harness import ANY_OUTCOME, Lab, link, postgres, process, redis, server, service
from harness.checks import Verdict
from harness.results import RunResult
from harness.scenario.schedule import read_schedule
from scenarios.in_flight import test_query_cut_in_flight as query_cut_in_flight
from scenarios.pool import test_idle_pool_cut as idle_pool_cut
from scenarios.repeats import test_twenty_copies_while_redis_is_flushed as twenty_copies
from scenarios.service_ends import test_sigterm_drains as sigterm_drains
from tests.scenario_live.support import Play, Runs, evidence


def _replayed(runs: Runs, first: RunResult) -> RunResult:
    """Run a schedule file, in another folder."""
    assert first.schedule is not None
    schedule = read_schedule(first.schedule)
    assert not schedule.partial

    async def play(lab: Lab) -> None:
        await lab.replay(schedule.moves)

    again = dataclasses.replace(runs, folder=runs.folder / "replayed")
    result = again(play, name=schedule.id, profile=schedule.profile, without=schedule.without, seed=schedule.seed)
    assert result.schedule is not None
    assert read_schedule(result.schedule).moves == schedule.moves
    return result


def _kinds(result: RunResult) -> Mapping[str, set[str]]:
    return {fault: set(kinds) for fault, kinds in evidence(result).items()}


@pytest.mark.parametrize("play", [query_cut_in_flight, idle_pool_cut, twenty_copies, sigterm_drains])
def test_a_scenario_of_the_suite(runs: Runs, play: Play) -> None:
    first = runs(play)
    again = _replayed(runs, first)

    assert (first.verdict, again.verdict) == (Verdict.HELD, Verdict.HELD), again.reason
    assert _kinds(again) == _kinds(first)


def test_blocks_in_blocks_and_traffic(runs: Runs) -> None:
    slow, hold = link.latency(redis, latency_ms=5), server.hold_commits(postgres, "deliveries")

    async def play(lab: Lab) -> None:
        async with lab.traffic(clients=3, expect=ANY_OUTCOME), lab.inject(slow):
            await lab.until(service.answers(at_least=10))
            async with lab.inject(hold), lab.deliver(2, expect=ANY_OUTCOME):
                await lab.until(postgres.waiting("COMMIT", at_least=2))
                await lab.heal(hold)
            await lab.until(service.answers(at_least=3))
        lab.expect(service.metric("webhook_retries_total"), at_most=100)

    first = runs(play)
    again = _replayed(runs, first)

    assert (first.verdict, again.verdict) == (Verdict.HELD, Verdict.HELD), again.reason
    assert _kinds(again) == _kinds(first) == {repr(slow): {"toxic_met"}, repr(hold): {"lock_waited_for"}}


def test_a_block_that_could_not_begin(runs: Runs) -> None:
    """The fault itself is what ends the scenario: it must be in the schedule, or the replay would hold."""
    wrong = process.misconfigure(redis, url="redis://127.0.0.1:1")

    async def play(lab: Lab) -> None:
        async with lab.inject(wrong):
            await lab.deliver()

    first = runs(play, profile="unprotected")
    again = _replayed(runs, first)

    assert (first.verdict, again.verdict) == (Verdict.FAILED, Verdict.FAILED)
    assert first.failing_checks == again.failing_checks == ("alive", "log_clean")


def test_a_failure(runs: Runs) -> None:
    """It fails again, by the same check, and what comes after it is not done either time."""

    async def play(lab: Lab) -> None:
        async with lab.inject(link.cut(postgres)):
            await lab.deliver(3)
            await lab.until(service.answers(at_least=4), within_s=0.1)
        await lab.deliver(5)

    first = runs(play)
    again = _replayed(runs, first)

    assert (first.verdict, again.verdict) == (Verdict.FAILED, Verdict.FAILED)
    assert first.failing_checks == again.failing_checks == ("reached",)
    assert first.figures["requests"] == again.figures["requests"] == 3
