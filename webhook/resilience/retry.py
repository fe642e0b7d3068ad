"""Retries: exponential, with full jitter, inside the request's deadline, within the process's budget."""

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
    """Runs an operation up to `attempts` times, as long as `again` says that a retry is worth it.

    `report` gets each failure that is retried, before the pause. The last failure is raised unchanged.
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
        """Return the operation's result.

        The first attempt is made without the library: most need no other, and its bookkeeping cost as much as the ping.

        Raises:
            Exception: the last attempt's, if it must not or cannot be retried.

        """
        try:
            return await operation()
        except Exception as error:  # noqa: BLE001 - what is done about it is decided below
            failed = [error]
        return await self._after(failed, operation, deadline=deadline, report=report)

    async def _after(
        self,
        failed: list[Exception],
        operation: Callable[[], Awaitable[T]],
        *,
        deadline: Deadline,
        report: Callable[[BaseException], None],
    ) -> T:
        """Go on after a first attempt that failed. `failed`: its exception, which this takes out."""

        async def attempt() -> T:
            if failed:  # kept in a list, and not by name: a frame that its own exception leads to would never be freed
                raise failed.pop()
            return await operation()

        def stop_early(state: tenacity.RetryCallState) -> bool:
            return not deadline.allows(state.upcoming_sleep) or not self._budget.spend()

        def before_sleep(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            if error is not None:
                report(error)

        # A copy for each call: one instance keeps its iteration's state, which concurrent requests would mix up.
        stop = tenacity.stop_any(self._retrying.stop, stop_early)  # type: ignore[arg-type]  # typed StopBaseT inside
        return await self._retrying.copy(stop=stop, before_sleep=before_sleep)(attempt)


def pauses(*, delay_s: float, delay_max_s: float, jitter: bool) -> tenacity.wait.wait_base:
    """Exponential from `delay_s`; with jitter, a random part of it (full jitter)."""
    if jitter:
        return tenacity.wait_random_exponential(multiplier=delay_s, max=delay_max_s)
    return tenacity.wait_exponential(multiplier=delay_s, max=delay_max_s)


def worth_retrying(error: BaseException) -> bool:
    """Return whether an attempt failed before any COMMIT in a way that a retry may solve."""
    return isinstance(error, AttemptFailedError) and not isinstance(error, CommitLostError) and error.reason in RETRIED


def may_pass(error: BaseException) -> bool:
    """Return whether a failure may pass: while a COMMIT is in doubt, each such failure is retried."""
    return isinstance(error, AttemptFailedError) and error.reason is not Reason.FINAL
