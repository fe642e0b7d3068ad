from __future__ import annotations

import pytest
import tenacity

from webhook.database.failures import AttemptFailedError, CommitLostError, Reason
from webhook.delivery import Phase
from webhook.resilience.budget import NoBudget, RetryBudget
from webhook.resilience.deadline import Deadline
from webhook.resilience.linear_retry import async_retry
from webhook.resilience.retry import Retry, may_pass, pauses, worth_retrying

LOST = AttemptFailedError(Phase.INSERT, Reason.CONNECTION_LOST)


class Operation:
    """Fails as told, then succeeds."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self._failures:
            raise self._failures.pop(0)
        return "done"


class Sleeper:
    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


def make(sleeper: Sleeper, *, attempts: int = 3, jitter: bool = False, budget: RetryBudget | None = None) -> Retry:
    pause = pauses(delay_s=0.05, delay_max_s=1, jitter=jitter)
    return Retry(attempts=attempts, pause=pause, again=worth_retrying, budget=budget or NoBudget(), sleep=sleeper)


async def run(retry: Retry, operation: Operation, limit_s: float | None = None) -> tuple[str, list[BaseException]]:
    reported: list[BaseException] = []
    return await retry(operation, deadline=Deadline(limit_s), report=reported.append), reported


@pytest.mark.asyncio
async def test_it_tries_again_with_growing_pauses() -> None:
    sleeper = Sleeper()
    assert await run(make(sleeper), Operation(LOST, LOST)) == ("done", [LOST, LOST])
    assert sleeper.slept == [0.05, 0.1]


@pytest.mark.asyncio
async def test_it_gives_up_with_the_last_failure() -> None:
    operation, sleeper = Operation(LOST, LOST, LOST), Sleeper()
    with pytest.raises(AttemptFailedError) as caught:
        await run(make(sleeper), operation)
    assert caught.value is LOST
    assert (operation.calls, len(sleeper.slept)) == (3, 2)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "failure",
    [AttemptFailedError(Phase.INSERT, Reason.LOCK_TIMEOUT), CommitLostError(), KeyError("a defect")],
    ids=lambda failure: type(failure).__name__,
)
async def test_it_does_not_try_again_what_would_not_help(failure: Exception) -> None:
    operation = Operation(failure)
    with pytest.raises(type(failure)):
        await run(make(Sleeper()), operation)
    assert operation.calls == 1


@pytest.mark.asyncio
async def test_it_does_not_begin_what_the_deadline_would_cut() -> None:
    operation = Operation(LOST)
    with pytest.raises(AttemptFailedError):
        await run(make(Sleeper()), operation, limit_s=0.04)
    assert operation.calls == 1


@pytest.mark.asyncio
async def test_the_budget_is_shared() -> None:
    budget = RetryBudget(ratio=0.5, burst=1)
    retry = make(Sleeper(), budget=budget)
    assert (await run(retry, Operation(LOST)))[0] == "done"
    with pytest.raises(AttemptFailedError):
        await run(retry, Operation(LOST))
    budget.request()
    budget.request()
    assert (await run(retry, Operation(LOST)))[0] == "done"


@pytest.mark.asyncio
async def test_while_in_doubt_all_that_may_pass_is_tried_again() -> None:
    pause = pauses(delay_s=0.05, delay_max_s=1, jitter=False)
    retry = Retry(attempts=5, pause=pause, again=may_pass, budget=NoBudget(), sleep=Sleeper())
    failures = (AttemptFailedError(Phase.INSERT, Reason.LOCK_TIMEOUT), CommitLostError())
    assert (await run(retry, Operation(*failures)))[0] == "done"
    for error in (KeyError("a defect"), AttemptFailedError(Phase.INSERT, Reason.FINAL)):
        operation = Operation(error)
        with pytest.raises(type(error)):
            await run(retry, operation)
        assert operation.calls == 1


def test_jitter_is_full() -> None:
    state = tenacity.RetryCallState(tenacity.AsyncRetrying(), None, (), {})
    state.attempt_number = 3
    drawn = [pauses(delay_s=0.05, delay_max_s=1, jitter=True)(state) for _ in range(500)]
    assert 0 <= min(drawn) < 0.02
    assert 0.18 < max(drawn) <= 0.2


def test_a_pause_has_an_upper_limit() -> None:
    state = tenacity.RetryCallState(tenacity.AsyncRetrying(), None, (), {})
    state.attempt_number = 30
    assert pauses(delay_s=0.05, delay_max_s=1, jitter=False)(state) == 1


@pytest.mark.asyncio
async def test_the_incidents_retry_is_linear_and_retries_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = Sleeper()
    monkeypatch.setattr("webhook.resilience.linear_retry.asyncio.sleep", sleeper)
    operation = Operation(KeyError("anything"), CommitLostError())
    assert await async_retry(max_retries=3, delay=1.0)(operation)() == "done"
    assert sleeper.slept == [1.0, 2.0]
    operation = Operation(*[ValueError()] * 3)
    with pytest.raises(ValueError, match=r"^$"):
        await async_retry()(operation)()
    assert operation.calls == 3
