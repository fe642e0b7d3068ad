"""Takes a delivery in: Redis, PostgreSQL, retries, settling a lost commit."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from webhook.configuration.settings import Settings
from webhook.database.failures import AttemptFailedError, CommitLostError
from webhook.database.store import Store
from webhook.delivery import Delivery, Phase, Progress, Stored
from webhook.logs import Log, describe
from webhook.metrics import Metrics
from webhook.recent import RecentDeliveries, Seen
from webhook.resilience.budget import NoBudget, RetryBudget
from webhook.resilience.deadline import Deadline
from webhook.resilience.linear_retry import async_retry
from webhook.resilience.retry import Retry, may_pass, pauses, worth_retrying

Attempt = Callable[[], Awaitable[Stored]]


class Inserts(Protocol):
    """Stores one delivery per call: a `Store`, or a `Group` that stores several together."""

    async def insert(self, delivery: Delivery, progress: Progress) -> Stored:
        """Make one attempt."""


class Intake:
    """Takes one delivery per call; any number of calls at once."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        inserts: Inserts,
        recent: RecentDeliveries,
        budget: RetryBudget,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._settings = settings
        self._store = store
        self._inserts = inserts
        self._recent = recent
        self._budget = budget
        self._metrics = metrics
        self._log = log
        pause = pauses(
            delay_s=settings.retry_delay_s, delay_max_s=settings.retry_delay_max_s, jitter=settings.retry_jitter
        )
        self._retry = Retry(attempts=settings.retry_attempts, pause=pause, again=worth_retrying, budget=budget)
        self._settle = Retry(attempts=settings.resolve_attempts, pause=pause, again=may_pass, budget=NoBudget())

    async def take(self, delivery: Delivery, progress: Progress, deadline: Deadline) -> Stored:
        """Return the committed row: this delivery's, or the earlier one with its id.

        Raises:
            AttemptFailedError: not stored.
            CommitLostError: it may be stored.
            RedisFailedError: not stored; only with `redis.fail_open` off.

        """
        self._budget.request()
        seen = await self._recent.see(progress)

        async def attempt() -> Stored:
            return await self._attempt(delivery, progress, look_first=seen is Seen.BEFORE)

        try:
            return await self._persist(attempt, progress, deadline)
        except CommitLostError as lost:
            if not self._settings.commit_resolve:
                raise
            self._report(lost, progress)
            return await self._resolve(delivery, progress, deadline)

    async def _attempt(self, delivery: Delivery, progress: Progress, *, look_first: bool) -> Stored:
        if look_first:
            stored = await self._store.find(delivery.source, delivery.id, progress)
            if stored is not None:
                return stored
        return await self._inserts.insert(delivery, progress)

    async def _persist(self, attempt: Attempt, progress: Progress, deadline: Deadline) -> Stored:
        def report(error: BaseException) -> None:
            self._report(error, progress)

        if not self._settings.retry_database:
            return await attempt()
        if self._settings.retry_style == "linear":
            settings = self._settings
            decorate = async_retry(settings.retry_attempts, settings.retry_delay_s, before_sleep=report)
            return await decorate(attempt)()
        return await self._retry(attempt, deadline=deadline, report=report)

    async def _resolve(self, delivery: Delivery, progress: Progress, deadline: Deadline) -> Stored:
        """Find out whether the COMMIT succeeded, by inserting once more.

        A SELECT that finds nothing would prove nothing: the COMMIT may still be on its way. The INSERT waits until the
        transaction with the same key ends. Then it finds the row, or stores it.
        """

        async def insert_again() -> Stored:
            stored = await self._inserts.insert(delivery, progress)
            self._metrics.resolved.inc()
            return stored

        def report(error: BaseException) -> None:
            self._report(error, progress)

        try:
            stored = await self._settle(insert_again, deadline=deadline, report=report)
        except AttemptFailedError as error:
            raise CommitLostError from error
        self._log.info(
            "commit_resolved",
            phase=Phase.RESOLVE,
            source=delivery.source,
            delivery=delivery.id,
            attempt=progress.attempt,
            was_stored=stored.repeated,
        )
        return stored

    def _report(self, error: BaseException, progress: Progress) -> None:
        """Log and count an attempt that will be retried."""
        reason = error.reason if isinstance(error, AttemptFailedError) else "unforeseen"
        self._metrics.retries.labels(reason).inc()
        self._log.warning(
            "attempt_failed",
            phase=progress.phase,
            reason=reason,
            source=progress.source,
            delivery=progress.delivery_id,
            attempt=progress.attempt,
            error=describe(error.__cause__ or error),
        )
        progress.attempt += 1
