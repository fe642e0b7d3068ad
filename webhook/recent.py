"""Redis remembers recent deliveries. It decides only whether the service reads from PostgreSQL before it writes."""

import asyncio
import enum
from collections.abc import Mapping, Sequence
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from webhook.configuration.settings import Settings
from webhook.delivery import Phase, Progress
from webhook.logs import Log, describe
from webhook.metrics import Metrics
from webhook.resilience.breaker import Breaker, Era
from webhook.round_trips import RoundTrips
from webhook.sentinel import client_by_sentinel

CONNECTIONS_MAX = 1_000
"""redis-py stops at 100: for the next request Redis would seem to have failed. The time for an operation limits
them."""


class Seen(enum.Enum):
    """What Redis knows of a delivery."""

    NEW = enum.auto()
    BEFORE = enum.auto()
    UNKNOWN = enum.auto()


class RedisFailedError(Exception):
    """Redis did not answer, and its failures count (`redis.fail_open` is off)."""


class RecentDeliveries:
    """One round trip per request, `SET key 1 NX EX ttl`, on a connection that is never used again after a failure.

    redis-py closes a connection whose reply was not read to its end, whatever the cause (a time-out, a cancellation, a
    broken reply), so no request reads a late reply.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        *,
        settings: Settings,
        breaker: Breaker | None,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._client = client
        self._limit_s = settings.redis_operation_timeout_s if settings.redis_timeouts else None
        self._prefix = f"{settings.redis_prefix}seen:"
        self._ttl_s = settings.redis_ttl_s
        self._leave_read_only = settings.redis_leave_read_only
        self._fail_open = settings.redis_fail_open
        self._breaker = breaker
        self._metrics = metrics
        self._log = log
        together = RoundTrips(
            self._set_one,
            self._set_several,
            keys_max=settings.group_rows_max,
            quick_s=settings.group_redis_quick_s,
            limit_s=self._limit_s,
            metrics=metrics,
        )
        self._together = together if settings.commit_group else None

    @property
    def waiting(self) -> int:
        """How many deliveries wait for the next round trip to Redis."""
        return 0 if self._together is None else self._together.waiting

    async def see(self, progress: Progress) -> Seen:
        """Remember the delivery, and return whether Redis already knew it.

        Raises:
            RedisFailedError: only with `redis.fail_open` off.

        """
        progress.phase = Phase.REDIS
        key = f"{self._prefix}{progress.source}:{progress.delivery_id}"
        try:
            if self._breaker is None:
                return await self._ask(key)
            era = self._breaker.allows()
            if era is not None:
                return await self._ask_reporting(key, self._breaker, era)
        except Exception as error:  # noqa: BLE001 - a wrong reply may raise anything in the parser, and must not matter
            return self._without_redis(progress, "redis_failed", error)
        return self._without_redis(progress, "breaker_open", None)

    async def ping(self) -> None:
        """Check that Redis answers."""
        await self._client.ping()

    async def close(self) -> None:
        """Close every connection."""
        if self._together is not None:
            await self._together.close()
        await self._client.aclose()

    async def _ask_reporting(self, key: str, breaker: Breaker, era: Era) -> Seen:
        try:
            seen = await self._ask(key)
        except Exception:
            breaker.failed(era)
            raise
        except BaseException:
            breaker.abandoned(era)
            raise
        breaker.succeeded(era)
        return seen

    async def _ask(self, key: str) -> Seen:
        limit = asyncio.timeout(self._limit_s)
        try:
            async with limit:
                was_set = await self._set(key)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise RedisTimeoutError(f"no answer from Redis within {self._limit_s:g} s") from error
        return Seen.NEW if was_set else Seen.BEFORE

    async def _set(self, key: str) -> object:
        try:
            return await (self._set_one(key) if self._together is None else self._together.ask(key))
        except ReadOnlyError:
            # It was demoted, and the address leads to another: where one connection meets that, all that are as old do.
            if self._leave_read_only:
                await self._drop_idle_connections()
            raise

    async def _drop_idle_connections(self) -> None:
        """Close the connections that nobody uses.

        Requests that do so at the same time wait for the same connections. If the time of one of them is over, asyncio
        cancels what all of them wait for, and redis-py raises that in each of them: only its own ends a request.
        """
        try:
            await self._client.connection_pool.disconnect(inuse_connections=False)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise

    async def _set_one(self, key: str) -> object:
        return await self._client.set(key, 1, nx=True, ex=self._ttl_s)

    async def _set_several(self, keys: Sequence[str]) -> Sequence[object]:
        async with self._client.pipeline(transaction=False) as pipeline:
            for key in keys:
                _ = pipeline.set(key, 1, nx=True, ex=self._ttl_s)  # this only queues it
            return await pipeline.execute(raise_on_error=False)

    def _without_redis(self, progress: Progress, reason: str, error: Exception | None) -> Seen:
        if error is not None:
            self._log.warning(
                "redis_failed",
                phase=progress.phase,
                source=progress.source,
                delivery=progress.delivery_id,
                fail_open=self._fail_open,
                error=describe(error),
            )
        if not self._fail_open:
            raise RedisFailedError(reason) from error
        self._metrics.degraded.labels(reason).inc()
        return Seen.UNKNOWN


def make_client(settings: Settings) -> redis.asyncio.Redis:
    """Make the client; it does not connect yet. With every protection off this is `redis.asyncio.from_url(url)`."""
    if settings.redis_sentinels and settings.redis_found:
        return client_by_sentinel(settings, _options(settings))
    return redis.asyncio.Redis.from_url(settings.redis_url.get_secret_value(), **_options(settings))


def _options(settings: Settings) -> Mapping[str, Any]:
    options: dict[str, Any] = {}
    if settings.redis_timeouts:
        options["socket_connect_timeout"] = settings.redis_connect_timeout_s
        options["socket_timeout"] = settings.redis_socket_timeout_s
        if settings.redis_operation_timeout_s is not None:
            # Connecting has to fit in as well: RESP2 without CLIENT SETINFO needs no round trip of its own.
            options |= {"protocol": 2, "driver_info": None}
            options["max_connections"] = CONNECTIONS_MAX
    if settings.redis_health_check_interval_s:
        options["health_check_interval"] = settings.redis_health_check_interval_s
    if settings.redis_one_attempt:
        options["retry"] = Retry(NoBackoff(), 0)
    elif settings.redis_retry_on_timeout:
        options["retry_on_timeout"] = True
    return options
