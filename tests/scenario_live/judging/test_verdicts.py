"""How a run is judged that does not go as its scenario says: each way, by a real run."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import (
    ACKNOWLEDGED,
    ANY_OUTCOME,
    Fault,
    Lab,
    Moment,
    Postgres,
    Redis,
    link,
    no_fault,
    postgres,
    redis,
    server,
    service,
    wire,
)
from harness.checks import Verdict
from tests.scenario_live.support import Broken, Play, Runs, evidence, history_of, limited, problems


@pytest.mark.parametrize(
    ("moment", "instead"),
    [
        (redis.idle(at_least=99), r"\d idle connections to redis, by the server's count"),
        (service.logged("no such words"), "no line with 'no such words'; the last was: "),
        (postgres.logged("no such words"), "no line with 'no such words'; the last was: "),
        (link.down(redis).fired(), r"link.down\(redis\) is not in force"),
    ],
    ids=lambda value: value.kind if isinstance(value, Moment) else "",
)
def test_a_precondition_that_never_comes(runs: Runs, moment: Moment, instead: str) -> None:
    gone_on = False

    async def play(lab: Lab) -> None:
        nonlocal gone_on
        await lab.deliver()
        await lab.until(moment, within_s=0.1)
        gone_on = True

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ())
    assert result.reason.startswith(f"{moment!r} did not come in 0.1 s: ")
    assert re.search(instead, result.reason), result.reason
    assert not gone_on


def test_what_waits_instead_is_told(runs: Runs) -> None:
    lock = server.lock(postgres, "deliveries")

    async def play(lab: Lab) -> None:
        async with lab.inject(lock), lab.deliver(expect=ANY_OUTCOME):
            await lab.until(postgres.waiting("INSERT"))
            await lab.until(postgres.waiting("COMMIT"), within_s=0.1)

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "0 COMMIT wait for a lock or a standby; others wait: INSERT INTO deliveries" in result.reason
    assert evidence(result)[repr(lock)] == {"lock_waited_for": 1}


def test_a_claim_that_is_missed(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.deliver(2)
        await lab.until(service.answers(at_least=3, outcome=ACKNOWLEDGED), within_s=0.1)

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("reached",))
    assert "not reached in 0.1 s: 2 answers acknowledged" in result.reason


def test_a_metric_is_waited_for(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.deliver(2)
        await lab.until(service.metric_is("webhook_requests_total", outcome="acknowledged", at_least=2))
        await lab.until(service.metric_is("webhook_pool_checked_out", at_least=1), within_s=0.1)

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("reached",))
    assert "at_least=1) not reached in 0.1 s: webhook_pool_checked_out is 0" in result.reason


def test_answers_count_from_the_last_fault_on(runs: Runs) -> None:
    ended = server.end_sessions(postgres)

    async def play(lab: Lab) -> None:
        await lab.deliver(2)
        await lab.inject(ended)
        await lab.deliver()
        await lab.until(service.answers(at_least=2), within_s=0.1)

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("reached",))
    assert "1 answers" in result.reason


async def _asserts(lab: Lab) -> None:
    answers = await lab.deliver()
    assert answers[0].status == 299, "the author thought otherwise"


async def _skips(lab: Lab) -> None:
    await lab.deliver()
    pytest.skip("no mood")


async def _forgets_to_wait(lab: Lab) -> None:
    await lab.deliver()
    _ = lab.deliver(3)


async def _heals_what_is_not_broken(lab: Lab) -> None:
    async with lab.inject(link.cut(postgres)):
        await lab.deliver()
        await lab.heal(link.cut(redis))


async def _names_an_unknown_link(lab: Lab) -> None:
    await lab.deliver()
    await lab.inject(link.down(Redis("redys")))


async def _names_an_unknown_code(lab: Lab) -> None:
    await lab.inject(wire.fail(postgres.sent("COMMIT"), code="TooMany"))


async def _misspells(lab: Lab) -> None:
    await lab.deliver()
    await lab.delivr()  # type: ignore[attr-defined]  # which is what this is about


async def _misspells_a_command(lab: Lab) -> None:
    await lab.inject(server.execute(redis, "NOSUCH x"))


async def _misspells_sql(lab: Lab) -> None:
    await lab.inject(server.execute(postgres, "SELEC 1"))


async def _names_an_unknown_table(lab: Lab) -> None:
    await lab.inject(server.lock(postgres, "deliverys"))


@pytest.mark.parametrize(
    ("play", "words"),
    [
        (_asserts, ["the author thought otherwise"]),
        (_skips, ["Skipped", "no mood"]),
    ],
)
def test_a_scenario_that_objects(runs: Runs, play: Play, words: list[str]) -> None:
    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("assertion",))
    assert [word for word in words if word not in result.reason] == [], result.reason


@pytest.mark.parametrize(
    ("play", "at", "words"),
    [
        (_forgets_to_wait, 2, ["lab.deliver(3)", "neither awaited nor entered", "; mend: write: await lab.deliver(3)"]),
        (_heals_what_is_not_broken, 3, ["link.cut(redis)", "is not in force", "link.cut(postgres)"]),
        (_names_an_unknown_link, 2, ["redys", "the target has no such link", "'redis'"]),
        (_names_an_unknown_code, 1, ["code = 'TooMany'", "; mend: "]),
        (_misspells, 2, ["AttributeError: 'Lab' object has no attribute 'delivr'"]),
        (_misspells_a_command, 1, ["server.execute: text = 'NOSUCH x'", "Redis says: unknown command", "; mend: "]),
        (_misspells_sql, 1, ["server.execute: text = 'SELEC 1'", "PostgreSQL says: syntax error"]),
        (_names_an_unknown_table, 1, ["table = 'deliverys'", 'relation "deliverys" does not exist']),
    ],
)
def test_a_scenario_that_is_wrong_itself(runs: Runs, play: Play, at: int, words: list[str]) -> None:
    """It proves nothing of the service, nobody else is blamed, and the line is named (`at`: from its `def`)."""
    result = runs(play)

    place = f"{Path(__file__).relative_to(Path.cwd())}:{play.__code__.co_firstlineno + at}"
    assert (result.verdict, result.failing_checks, problems(result)) == (Verdict.INCONCLUSIVE, (), [])
    assert result.reason.startswith(f"the scenario is wrong: {place}: "), result.reason
    assert [word for word in words if word not in result.reason] == [], result.reason


@pytest.mark.parametrize("kind", [server.lock, server.hold_commits])
def test_a_table_that_is_not_there(runs: Runs, kind: Callable[[Postgres, str], Fault]) -> None:
    async def play(lab: Lab) -> None:
        await lab.deliver()
        await lab.inject(kind(postgres, "deliverys"))

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ())
    assert 'relation "deliverys" does not exist' in result.reason
    assert problems(result) == []  # healing what was never taken is no problem


def test_a_fault_that_breaks_itself(runs: Runs) -> None:
    """What was injected before it is healed, and nothing is concluded."""
    slow = link.latency(redis, latency_ms=20)

    async def play(lab: Lab) -> None:
        async with lab.inject(slow, Broken()):
            await lab.deliver()

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ())
    assert "RuntimeError: this fault is broken" in result.reason
    kinds = [entry.event.kind for entry in history_of(result).entries]
    assert kinds.count("fault.acted") == kinds.count("fault.healed") == 2


def test_a_lost_row_counts_though_the_harness_broke(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.deliver()
        await lab.inject(server.execute(postgres, "DELETE FROM deliveries"))
        await lab.inject(Broken())

    result = runs(play)

    assert result.verdict is Verdict.FAILED
    assert result.reason.startswith("acknowledged_is_stored: ")


def test_a_figure_does_not_outlive_its_process(runs: Runs) -> None:
    """The retries of the old process would be hidden by the new one's zero."""

    async def play(lab: Lab) -> None:
        await lab.until(postgres.idle(at_least=1))
        await lab.inject(link.cut(postgres))
        await lab.deliver(3)
        lab.expect(service.metric("webhook_retries_total"), at_most=0)
        await lab.restart()

    result = runs(play, without=("pool.pre_ping",))

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "cannot be read: the service was started again, and counts from 0 since then" in result.reason


def test_a_figure_over_a_block_counts_what_comes_in_it_alone(runs: Runs) -> None:
    """What was tried again before the block and after it is another's."""

    async def play(lab: Lab) -> None:
        for _ in range(2):
            async with lab.inject(wire.fail(postgres.sent("INSERT"), code="40001")):
                await lab.deliver()
        async with (
            lab.limits(service.metric("webhook_retries_total"), at_least=1, at_most=1),
            lab.limits(postgres.sends_per_request, at_least=2),
            lab.inject(wire.fail(postgres.sent("INSERT"), code="40001")),
        ):
            await lab.deliver()
        async with lab.limits(service.metric("webhook_retries_total"), at_least=1):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.FAILED
    assert result.reason == "figure: service.metric('webhook_retries_total') was 0 in its block, at least 1"


def test_a_figure_that_the_target_cannot_have_is_the_scenarios_mistake(runs: Runs) -> None:
    description = runs.bed.target.description.model_copy(update={"probes": None})
    without_probes = runs.on(target=dataclasses.replace(runs.bed.target, description=description))

    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        await lab.deliver()
        lab.expect(service.metric("webhook_retries_total"), at_most=0)

    result = without_probes(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith("the scenario is wrong: expect: figure = ")
    assert "name where the service's metrics are: [probes] metrics" in result.reason


def test_a_scenario_that_asks_nothing_proves_nothing(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.until(postgres.idle(at_least=1))

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ())
    assert "the scenario sent nothing" in result.reason


def test_a_service_that_does_not_come_to_ease(runs: Runs) -> None:
    target = limited(runs.bed.target, recovery_s=0.3)
    probes = target.description.probes
    assert probes is not None
    busy = probes.model_copy(update={"at_ease": {"process_open_fds": 0.0}})
    uneasy = dataclasses.replace(target, description=target.description.model_copy(update={"probes": busy}))
    began = False

    async def play(lab: Lab) -> None:
        nonlocal began
        began = True
        await lab.deliver()

    result = runs.on(target=uneasy)(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert re.match(r"steady state was not reached: after 0.9 s process_open_fds is \d+", result.reason), result.reason
    assert not began
