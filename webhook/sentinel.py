"""Finds Redis through Sentinel: each new connection asks which server is the primary now."""

from collections.abc import Mapping
from typing import Any

import redis.asyncio
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from webhook.configuration.settings import Settings


class _Pool(SentinelConnectionPool):
    """Also closes its connections to the Sentinels: redis-py leaves that to the code that made them."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


def client_by_sentinel(settings: Settings, options: Mapping[str, Any]) -> redis.asyncio.Redis:
    """Make a client of the current primary. It does not connect yet.

    The user, password, database and TLS are those of `REDIS_URL`; its host and port are not used. If the primary has
    changed, redis-py closes the idle connections to the former one, and the others when they are returned.
    """
    given: dict[str, Any] = {**parse_url(settings.redis_url.get_secret_value()), **options}
    given.pop("host", None)
    given.pop("port", None)
    if given.pop("connection_class", None) is SSLConnection:
        given["ssl"] = True
    sentinels = Sentinel(settings.redis_sentinels, sentinel_kwargs=_asked_once(settings))  # type: ignore[no-untyped-call]  # redis-py
    client: redis.asyncio.Redis = sentinels.master_for(
        settings.redis_sentinel_name, connection_pool_class=_Pool, **given
    )
    return client


def _asked_once(settings: Settings) -> Mapping[str, Any]:
    """One silent Sentinel must not use up the time for one use of Redis: the next one is asked in time."""
    options: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), "protocol": 2, "driver_info": None}
    if settings.redis_timeouts and settings.redis_operation_timeout_s is not None:
        each_s = settings.redis_operation_timeout_s / (len(settings.redis_sentinels) + 1)
        options |= {"socket_connect_timeout": each_s, "socket_timeout": each_s}
    return options
