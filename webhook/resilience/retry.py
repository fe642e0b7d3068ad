"""Tries again: exponential, with full jitter, inside the request's deadline, within the process's budget."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import tenacity

from webhook.database.failures import RETRIED, AttemptFailedError, CommitLostError, Reason
from webhook.resilience.budget import RetryBudget
from webhook.resilience.deadline import Deadline

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


class Retry:
    """Runs an operation up to `attempts` times, as long as `again` says that the failure is worth it.

    `report` hears of each failure that is tried again, before the pause. What finally fails is raised as it was.
    """

    def __init__(
        self,
        *,
        attempts: int,
        pause: tenacity.wait.wait_base,
        again: Callable[[BaseException], bool],
        budget: RetryBudget,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._budget = budget
        self._retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(attempts),
            wait=pause,
            retry=tenacity.retry_if_exception(again),
            sleep=sleep,
            reraise=True,
        )

    async def __call__(
        self,
        operation: Callable[[], Awaitable[T]],
        *,
        deadline: Deadline,
        report: Callable[[BaseException], None],
    ) -> T:
        """Give the operation's result.

        Raises:
            Exception: the last attempt's, when it must not or cannot be tried again.

        """

        def stop_early(state: tenacity.RetryCallState) -> bool:
            return not deadline.allows(state.upcoming_sleep) or not self._budget.spend()

        def before_sleep(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            if error is not None:
                report(error)

        # A copy for each call: one instance keeps its iteration's state, which concurrent requests would mix up.
        stop = tenacity.stop_any(self._retrying.stop, stop_early)  # type: ignore[arg-type]  # typed StopBaseT inside
        return await self._retrying.copy(stop=stop, before_sleep=before_sleep)(operation)


def pauses(*, delay_s: float, delay_max_s: float, jitter: bool) -> tenacity.wait.wait_base:
    """Exponential from `delay_s`; with jitter, anything between nothing and that (full jitter)."""
    if jitter:
        return tenacity.wait_random_exponential(multiplier=delay_s, max=delay_max_s)
    return tenacity.wait_exponential(multiplier=delay_s, max=delay_max_s)


def worth_retrying(error: BaseException) -> bool:
    """Tell whether an attempt before any COMMIT failed in a way that another attempt may mend."""
    return isinstance(error, AttemptFailedError) and not isinstance(error, CommitLostError) and error.reason in RETRIED


def may_pass(error: BaseException) -> bool:
    """Tell whether a failure may pass: while a COMMIT is in doubt each such one is tried again."""
    return isinstance(error, AttemptFailedError) and error.reason is not Reason.FINAL
