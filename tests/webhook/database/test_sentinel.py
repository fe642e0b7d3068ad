"""The client of a Redis that Sentinel watches: what it is made of."""

from __future__ import annotations

import pytest
from redis.asyncio.sentinel import SentinelConnectionPool

from tests.webhook.support import SECRET
from webhook.configuration.settings import SettingsError, load_settings
from webhook.recent import make_client


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user@127.0.0.1:5432/db")
    monkeypatch.setenv("REDIS_URL", "redis://me:pass-word@127.0.0.1:6379/3")
    monkeypatch.setenv("WEBHOOK_SECRETS", SECRET)
    monkeypatch.setenv("WEBHOOK_REDIS_SENTINELS", "one.test:26379, [::1]:26380")
    return monkeypatch


def test_the_primary_has_the_credentials_of_the_url_and_is_asked_of_each_sentinel_in_time() -> None:
    pool = make_client(load_settings()).connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    assert pool.service_name == "mymaster"
    options = pool.connection_kwargs
    assert (options["username"], options["password"], options["db"]) == ("me", "pass-word", 3)
    assert options["protocol"] == 2
    assert options["retry"].get_retries() == 0
    asked = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
    assert [(each["host"], each["port"]) for each in asked] == [("one.test", 26379), ("::1", 26380)]
    assert all(each["socket_timeout"] == each["socket_connect_timeout"] < 0.05 / 2 for each in asked)
    assert [each["retry"].get_retries() for each in asked] == [0, 0]


def test_tls_of_the_url_is_that_of_the_primary(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REDIS_URL", "rediss://127.0.0.1:6379/3")
    pool = make_client(load_settings()).connection_pool
    assert "SSL" in pool.connection_class.__name__


@pytest.mark.parametrize("off", [{"WEBHOOK_REDIS_FOUND": "off"}, {"WEBHOOK_REDIS_SENTINELS": ""}], ids=str)
def test_without_it_the_server_of_the_url_is_used(environment: pytest.MonkeyPatch, off: dict[str, str]) -> None:
    for name, value in off.items():
        environment.setenv(name, value)
    pool = make_client(load_settings()).connection_pool
    assert not isinstance(pool, SentinelConnectionPool)
    assert (pool.connection_kwargs["host"], pool.connection_kwargs["port"]) == ("127.0.0.1", 6379)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("WEBHOOK_REDIS_SENTINELS", "one.test", "'one.test' is not HOST:PORT"),
        ("WEBHOOK_REDIS_SENTINELS", "one.test:26379,two.test:many", "'two.test:many' is not HOST:PORT"),
        ("WEBHOOK_REDIS_SENTINELS", "me@one.test:26379", "'me@one.test:26379' is not HOST:PORT"),
        ("WEBHOOK_REDIS_SENTINELS", "one.test:26379/0", "'one.test:26379/0' is not HOST:PORT"),
        ("REDIS_URL", "unix:///run/redis.sock", "set REDIS_URL to redis://"),
        ("WEBHOOK_REDIS_SENTINEL_NAME", "", "WEBHOOK_REDIS_SENTINEL_NAME=''"),
    ],
)
def test_what_is_wrong_is_said(environment: pytest.MonkeyPatch, name: str, value: str, problem: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert problem in str(caught.value)


@pytest.mark.asyncio
async def test_its_connections_to_the_sentinels_end_with_it() -> None:
    client = make_client(load_settings())
    closed: list[object] = []
    pool = client.connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    for each in pool.sentinel_manager.sentinels:
        each.connection_pool.aclose = _noting(closed, each)
    await client.aclose()
    assert closed == pool.sentinel_manager.sentinels


def _noting(closed: list[object], sentinel: object) -> object:
    async def aclose() -> None:
        closed.append(sentinel)

    return aclose
