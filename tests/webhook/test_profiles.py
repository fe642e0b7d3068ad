"""The engine and the Redis client are exactly what a profile says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest
import redis.asyncio
from sqlalchemy.ext.asyncio import create_async_engine

from tests.webhook.support import SECRET
from webhook import recent
from webhook.configuration.protections import PROTECTIONS
from webhook.configuration.settings import Settings, load_settings
from webhook.database import engine

URL = "postgresql+asyncpg://user:pass@127.0.0.1:5432/db"
REDIS_URL = "redis://127.0.0.1:6379/0"
ALL_OFF = {one.variable: "off" for one in PROTECTIONS if not one.unsafe} | {"WEBHOOK_POOL_USE_LIFO": "off"}
INCIDENT = ALL_OFF | {
    "WEBHOOK_POOL_PRE_PING": "on",
    "WEBHOOK_POOL_RECYCLE": "on",
    "WEBHOOK_POOL_RECYCLE_S": "3600",
    "WEBHOOK_POOL_BOUNDED_CHECKOUT": "on",
    "WEBHOOK_POOL_TIMEOUT_S": "30",
    "WEBHOOK_REDIS_TIMEOUTS": "on",
    "WEBHOOK_REDIS_OPERATION_TIMEOUT_S": "none",
    "WEBHOOK_REDIS_CONNECT_TIMEOUT_S": "5",
    "WEBHOOK_REDIS_SOCKET_TIMEOUT_S": "5",
    "WEBHOOK_REDIS_HEALTH_CHECK_INTERVAL_S": "30",
    "WEBHOOK_REDIS_RETRY_ON_TIMEOUT": "on",
}


def settings_of(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> Settings:
    required = {"DATABASE_URL": URL, "REDIS_URL": REDIS_URL, "WEBHOOK_SECRETS": SECRET}
    for name, value in {**required, **variables}.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def captured(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """What `create_async_engine` is called with."""
    calls: list[tuple[Any, dict[str, Any]]] = []

    def record(url: Any, **options: Any) -> Any:
        calls.append((url, options))
        return create_async_engine(url, **options)

    monkeypatch.setattr(engine, "create_async_engine", record)
    engine.make_engine(settings_of(monkeypatch, variables))
    ((url, options),) = calls
    return url.drivername, options


def pool_of(client: redis.asyncio.Redis) -> dict[str, Any]:
    """What a connection is made with; objects of a client's own, without a value to compare, left out."""
    options = dict(client.connection_pool.connection_kwargs)
    retry = options.pop("retry", None)
    plain = {name: value for name, value in options.items() if isinstance(value, (str, int, float, type(None)))}
    return {**plain, "retries": retry.get_retries() if retry else None, "backoff": type(getattr(retry, "_backoff", 0))}


def test_unprotected_is_the_libraries_own_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    driver, options = captured(monkeypatch, ALL_OFF)
    assert driver == "postgresql+asyncpg"
    plain = create_async_engine(URL).sync_engine.pool
    ours = create_async_engine(URL, **options).sync_engine.pool
    names = ("_pre_ping", "_recycle", "_timeout", "_max_overflow")
    assert [getattr(ours, name) for name in names] == [getattr(plain, name) for name in names]
    assert ours.size() == plain.size()  # type: ignore[attr-defined]  # the pool is a QueuePool
    assert options["connect_args"] == {}
    client = recent.make_client(load_settings())
    assert pool_of(client) == pool_of(redis.asyncio.Redis.from_url(REDIS_URL))


def test_incident_is_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    driver, options = captured(monkeypatch, INCIDENT)
    assert driver == "postgresql+asyncpg"
    assert options == {
        "pool_size": 5,
        "max_overflow": 10,
        "pool_timeout": 30,
        "pool_recycle": 3600,
        "pool_pre_ping": True,
        "pool_use_lifo": False,
        "hide_parameters": True,
        "connect_args": {},
    }
    ours = pool_of(recent.make_client(load_settings()))
    reported = redis.asyncio.Redis.from_url(
        REDIS_URL, socket_connect_timeout=5, socket_timeout=5, health_check_interval=30, retry_on_timeout=True
    )
    assert ours == pool_of(reported)


def test_hardened_bounds_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    driver, options = captured(monkeypatch, {})
    assert driver == "postgresql+bounded"
    assert (options["pool_size"], options["max_overflow"]) == (15, 0)
    assert options["pool_timeout"] == 1.5
    assert options["pool_use_lifo"] is True
    assert issubclass(options["connect_args"].pop("connection_class"), asyncpg.Connection)
    assert options["connect_args"] == {
        "timeout": 1.0,
        "command_timeout": 2.0,
        "server_settings": {
            "statement_timeout": "1700",
            "lock_timeout": "1500",
            "idle_in_transaction_session_timeout": "1400",
        },
    }
    client = recent.make_client(load_settings())
    assert client.connection_pool.connection_kwargs["retry"].get_retries() == 0
    asyncio.run(client.aclose())
