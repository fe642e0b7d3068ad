"""Whatever Redis does, it changes nothing but speed."""

from __future__ import annotations

import asyncio
import io
import signal
import socket

import pytest
import redis
from redis.exceptions import ReadOnlyError

from harness.protocols.redis.server import RedisServer
from tests.webhook.support import LISTENS_LONG, SECRET, Starter, digest, new_id
from webhook.configuration.settings import load_settings
from webhook.delivery import Progress
from webhook.logs import Log
from webhook.metrics import Metrics
from webhook.recent import RecentDeliveries, Seen, make_client
from webhook.resilience.breaker import Breaker, State

HALF_S = {"WEBHOOK_REDIS_OPERATION_TIMEOUT_S": "0.5"}
"""For tests in which Redis is silent for a while, and heard before and after that, on a busy machine too."""
ERROR_22 = "redis.exceptions.ConnectionError: Error 22 connecting to fe80::1:6379. Invalid argument."


@pytest.mark.asyncio
async def test_one_command_a_delivery_and_a_select_first_for_what_is_known(
    starter: Starter, own_redis: RedisServer
) -> None:
    identity = new_id()
    with redis.Redis.from_url(own_redis.url()) as watcher:
        async with starter.running(REDIS_URL=own_redis.url(), **LISTENS_LONG) as service:
            await service.deliver(delivery_id=identity)
            before = watcher.info("commandstats")["cmdstat_set"]["calls"]
            await service.deliver(delivery_id=identity)
            after = watcher.info("commandstats")["cmdstat_set"]["calls"]
            assert after - before == 1
            (key,) = watcher.keys(f"*:{identity}")
            assert 0 < watcher.ttl(key) <= 86_400


@pytest.mark.asyncio
async def test_error_22_word_for_word_and_the_delivery_is_stored(starter: Starter) -> None:
    """The kernel's EINVAL for a link-local address without a scope: the incident's own line."""
    async with starter.running(REDIS_URL="redis://[fe80::1]:6379") as service:
        answer = await service.deliver()
        failed = await service.until_logged("redis_failed")
        assert answer.status_code == 200
        assert failed["error"].startswith(ERROR_22)
        assert len(await service.database.stored()) == 1


@pytest.mark.asyncio
async def test_without_fail_open_the_request_fails(starter: Starter) -> None:
    settings = {"REDIS_URL": "redis://[fe80::1]:6379", "WEBHOOK_REDIS_FAIL_OPEN": "off"}
    async with starter.running(**settings) as service:
        answer = await service.deliver()
        ready = await service.client.get("/readyz")
        assert answer.status_code == 503
        assert service.events("refused")[0]["reason"] == "redis_failed"
        assert ERROR_22 in service.events("refused")[0]["error"]
        assert await service.database.stored() == []
        assert ready.status_code == 503


@pytest.mark.asyncio
async def test_a_redis_that_is_silent_is_given_up_and_the_breaker_opens(
    starter: Starter, own_redis: RedisServer
) -> None:
    settings = {"REDIS_URL": own_redis.url(), "WEBHOOK_BREAKER_FAILURES": "2", "WEBHOOK_BREAKER_OPEN_S": "60", **HALF_S}
    async with starter.running(**settings) as service:
        await service.deliver()
        assert own_redis.process is not None
        own_redis.process.send_signal(signal.SIGSTOP)
        try:
            answers = [await service.deliver() for _ in range(4)]
        finally:
            own_redis.process.send_signal(signal.SIGCONT)
        assert [answer.status_code for answer in answers] == [200] * 4
        errors = [entry["error"] for entry in service.events("redis_failed")]
        assert len(errors) == 2
        assert errors[0].startswith("redis.exceptions.TimeoutError: no answer from Redis within 0.5 s")
        assert await service.metric("webhook_breaker_state") == 2
        assert await service.metric("webhook_degraded_total") == 4
        assert len(await service.database.stored()) == 5


@pytest.mark.asyncio
async def test_a_late_reply_meets_nobody(starter: Starter, own_redis: RedisServer) -> None:
    """After a time-out the connection is gone: the next delivery must not take the late answer for its own."""
    settings = {"REDIS_URL": own_redis.url(), "WEBHOOK_REDIS_BREAKER": "off", **HALF_S}
    first, second = new_id(), new_id()
    async with starter.running(**settings) as service:
        await service.deliver(delivery_id=first)
        assert own_redis.process is not None
        own_redis.process.send_signal(signal.SIGSTOP)
        await service.deliver()
        own_redis.process.send_signal(signal.SIGCONT)
        answer = await service.deliver(b'{"second": 2}', delivery_id=second)
        assert answer.json()["id"] == second
        with redis.Redis.from_url(own_redis.url()) as watcher:
            assert watcher.exists(*watcher.keys(f"*:{second}")) == 1
        assert (second, digest(b'{"second": 2}')) in await service.database.stored()


@pytest.mark.asyncio
async def test_a_probe_that_is_cancelled_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request's deadline may end it while it waits for Redis: the breaker must not wait for its report for ever."""
    breaker = Breaker(failures=1, open_s=0, clock=lambda: 0.0, changed=lambda _: None)
    opening = breaker.allows()
    assert opening is not None
    breaker.failed(opening)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("WEBHOOK_SECRETS", SECRET)
        monkeypatch.setenv("WEBHOOK_REDIS_OPERATION_TIMEOUT_S", "60")
        settings = load_settings()
        log = Log(io.StringIO())
        recent = RecentDeliveries(make_client(settings), settings=settings, breaker=breaker, metrics=Metrics(), log=log)
        asking = asyncio.create_task(recent.see(Progress()))
        connection, _ = await asyncio.to_thread(silent.accept)
        with connection:
            assert breaker.state is State.HALF_OPEN
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert breaker.allows() is not None
        await recent.close()


@pytest.mark.asyncio
async def test_a_request_that_gives_up_on_a_demoted_redis_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both close the same idle connection, and asyncio cancels what both wait for: the service is not ending."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("WEBHOOK_SECRETS", SECRET)
    monkeypatch.setenv("WEBHOOK_REDIS_OPERATION_TIMEOUT_S", "60")
    settings, metrics = load_settings(), Metrics()
    client = make_client(settings)
    closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def turned_back(*_: object, **__: object) -> None:
        raise ReadOnlyError("You can't write against a read only replica.")

    async def close_all(*, inuse_connections: bool) -> None:
        assert not inuse_connections
        await closed

    monkeypatch.setattr(client, "set", turned_back)
    monkeypatch.setattr(client.connection_pool, "disconnect", close_all)
    recent = RecentDeliveries(client, settings=settings, breaker=None, metrics=metrics, log=Log(io.StringIO()))
    gives_up, stays = (asyncio.create_task(recent.see(Progress())) for _ in range(2))
    await asyncio.sleep(0)
    gives_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gives_up
    assert await stays is Seen.UNKNOWN
    assert metrics.registry.get_sample_value("webhook_degraded_total", {"reason": "redis_failed"}) == 1


@pytest.mark.asyncio
async def test_the_breaker_closes_again(starter: Starter, own_redis: RedisServer) -> None:
    settings = {"REDIS_URL": own_redis.url(), "WEBHOOK_BREAKER_FAILURES": "1", "WEBHOOK_BREAKER_OPEN_S": "1e-9"}
    settings |= LISTENS_LONG
    own_redis.stop()
    async with starter.running(**settings) as service:
        assert (await service.deliver()).status_code == 200
        await service.until_logged("breaker")
        own_redis.start_again()
        assert (await service.deliver()).status_code == 200
        assert await service.metric("webhook_breaker_state") == 0
        assert [entry["state"] for entry in service.events("breaker")] == ["open", "half_open", "closed"]


@pytest.mark.asyncio
@pytest.mark.parametrize("trouble", ["full", "poisoned", "flushed", "wrong type"])
async def test_a_redis_that_is_wrong_changes_nothing(starter: Starter, own_redis: RedisServer, trouble: str) -> None:
    identity, body = new_id(), b'{"wrong": "redis"}'
    settings = {"REDIS_URL": own_redis.url(), "WEBHOOK_REDIS_PREFIX": "t:"}
    with redis.Redis.from_url(own_redis.url()) as other:
        async with starter.running(**settings) as service:
            if trouble == "full":
                other.config_set("maxmemory", "1")
            elif trouble == "poisoned":
                other.set(f"t:seen:shop:{identity}", "1")
            elif trouble == "wrong type":
                other.rpush(f"t:seen:shop:{identity}", "1")
            first = await service.deliver(body, delivery_id=identity)
            if trouble == "flushed":
                other.flushall()
            again = await service.deliver(body, delivery_id=identity)
            other_body = await service.deliver(b"{}", delivery_id=identity)
            assert (first.status_code, again.status_code, other_body.status_code) == (200, 200, 409)
            assert first.content == again.content
            assert await service.database.stored() == [(identity, digest(body))]
