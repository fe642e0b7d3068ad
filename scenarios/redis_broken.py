"""Redis is silent, slow, broken or gone: it changes nothing but speed, and that by little."""

import pytest

from harness import ACKNOWLEDGED, Fault, Lab, link, nightly, postgres, proves, redis, service, wire
from scenarios.night import at_night
from scenarios.words import WAITS_FOR_REDIS

EACH_CALL_LIMITED = ("redis.timeouts:each_call",)
"""Each call has half a second, and all together have no limit. So no limit cuts off a second attempt."""

LOGS_IN = "REDIS_URL=redis://{redis.user}:{redis.password}@{redis.host}:{redis.port}/{redis.database}"


@proves(under="incident", fails="slower", match=WAITS_FOR_REDIS)
@proves("redis.timeouts", fails="slower", match=WAITS_FOR_REDIS)
async def test_redis_swallows_bytes(lab: Lab) -> None:
    """Redis accepts and never answers. No delivery waits for it (the incident's fix waits 10 s, or 20)."""
    async with lab.inject(link.swallow(redis)):
        await lab.deliver(5, slower_ms_max=500)


@pytest.mark.parametrize(
    "fault",
    [
        link.down(redis),
        link.latency(redis, latency_ms=2_000),
        *at_night("Redis that is down tests the same", link.reset(redis), link.limit_data(redis, limit_bytes=2)),
    ],
)
@proves("redis.fail_open", fails="outcome", match="redis.exceptions|TimeoutError")
async def test_redis_broken(lab: Lab, fault: Fault) -> None:
    """However Redis breaks, deliveries are acknowledged, and hardly later."""
    async with lab.inject(fault):
        await lab.deliver(5, slower_ms_max=500)


@proves("redis.fail_open", fails="outcome", match="redis.exceptions|TimeoutError")
async def test_redis_wants_a_password(lab: Lab) -> None:
    """Redis is full, then rejects the service's password, then is gone. Nothing shows that password."""
    await lab.restart(LOGS_IN, "WEBHOOK_REDIS_OPERATION_TIMEOUT_S=2", "WEBHOOK_BREAKER_FAILURES=100")
    await lab.deliver()
    async with lab.inject(wire.fail(redis.sent("SET"), code="OOM")):
        await lab.deliver()
    async with lab.inject(link.cut(redis), wire.fail(redis.sent("AUTH"), code="WRONGPASS", always=True)):
        await lab.deliver()
    async with lab.inject(link.down(redis)):
        await lab.deliver(2)
        await lab.request("ready", expect=ACKNOWLEDGED)


@proves("redis.breaker", fails="figure", match="webhook_degraded_total")
async def test_silent_redis_is_left_alone(lab: Lab) -> None:
    """Only the first five wait for Redis, and one each second. PostgreSQL is asked nothing more than with it."""
    async with lab.inject(link.swallow(redis)):
        await lab.deliver(5)
        await lab.deliver(5)
        await lab.wait(1.1, because="Redis is left alone for a second")
        await lab.deliver(10)
        for _ in range(9):
            await lab.deliver()
    lab.expect(
        service.metric("webhook_degraded_total", reason="redis_failed"), at_most=10
    )  # a busy machine makes it longer
    lab.expect(service.metric("webhook_degraded_total"), at_least=29)  # every one of them
    lab.expect(service.metric("webhook_breaker_state"), at_least=1)
    lab.expect(postgres.sends_per_request, at_most=1)


@proves("redis.breaker:long", fails="figure", match="webhook_breaker_state")
async def test_redis_is_asked_again(lab: Lab) -> None:
    """Redis is silent until it is left alone, and comes back. The service asks it again after a second."""
    async with lab.inject(link.swallow(redis)):
        await lab.deliver(5)
    for _ in range(15):  # on a busy machine Redis may miss its 50 ms once, and is left alone for another second
        await lab.wait(0.2, because="Redis is left alone for a second, however often it could have been asked")
        await lab.deliver()
    lab.expect(service.metric("webhook_degraded_total", reason="breaker_open"), at_most=12)
    lab.expect(service.metric("webhook_breaker_state"), at_most=0)


@nightly("waits until Redis is asked again")
@proves("redis.breaker:long", fails="reached", match="webhook_breaker_state is 2")
async def test_redis_fails_once_more(lab: Lab) -> None:
    """Redis is left alone, then answers once, and fails once. Failures before that answer no longer count."""
    await lab.restart("WEBHOOK_REDIS_OPERATION_TIMEOUT_S=2")
    async with lab.inject(wire.cut(redis.sent("SET"), always=True)):
        await lab.deliver(5)
    await lab.wait(1.2, because="Redis is left alone for a second")
    await lab.deliver()
    await lab.until(service.metric_is("webhook_breaker_state", at_most=0))
    async with (
        lab.limits(service.metric("webhook_degraded_total", reason="breaker_open"), at_most=0),
        lab.inject(wire.cut(redis.sent("SET"))),
    ):
        await lab.deliver()
        await lab.deliver()


@proves("redis.one_attempt", without=EACH_CALL_LIMITED, fails="slower", match=WAITS_FOR_REDIS)
async def test_silent_redis_is_asked_once(lab: Lab) -> None:
    """Redis does not answer. The delivery goes on without it, and does not ask again."""
    async with lab.inject(link.swallow(redis)):
        await lab.deliver(slower_ms_max=750)
