"""With group commit, deliveries that come together ask Redis in one pipeline. The trouble of one is not the others'."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness import Lab, nightly, proves, redis, service, wire
from scenarios.words import GROUPED

TOGETHER = (*GROUPED, "WEBHOOK_GROUP_REDIS_QUICK_S=30", "WEBHOOK_BREAKER_FAILURES=100")


@asynccontextmanager
async def asked_together(lab: Lab, *, of: int = 5) -> AsyncIterator[None]:
    """Hold the answer to another delivery's SET until `of` deliveries wait. SET 2 and later ones are one pipeline."""
    first = wire.hold(redis.answered("SET", nth=1))
    await lab.inject(first)
    async with lab.deliver():
        await lab.until(first.fired())
        async with lab.deliver(of):
            await lab.until(service.metric_is("webhook_redis_waiting", at_least=of))
            await lab.heal(first)
            yield


@proves("redis.fail_open", fails="outcome", match="OutOfMemoryError")
async def test_one_of_a_pipeline_fails(lab: Lab) -> None:
    """Redis rejects one of five in a pipeline, and one that asks alone. It remembers the others, and is asked on."""
    await lab.restart(*TOGETHER)
    async with (
        lab.limits(service.metric("webhook_redis_batched_total"), at_least=5, at_most=5),
        lab.limits(service.metric("webhook_degraded_total"), at_least=1, at_most=1),
        lab.inject(wire.fail(redis.sent("SET", nth=4), code="OOM")),
        asked_together(lab),
    ):
        pass
    async with lab.inject(wire.fail(redis.sent("SET"), code="OOM")):
        await lab.deliver()
    async with lab.limits(service.metric("webhook_degraded_total"), at_most=0):
        await lab.deliver(3)


@proves("redis.fail_open", fails="outcome", match="redis.exceptions")
async def test_pipeline_is_cut(lab: Lab) -> None:
    """The connection breaks in mid-pipeline. Its three deliveries go on without Redis. The other two are asked for."""
    await lab.restart(*TOGETHER, "WEBHOOK_GROUP_ROWS_MAX=3")
    async with (
        lab.limits(service.metric("webhook_degraded_total"), at_least=3, at_most=3),
        lab.inject(wire.cut(redis.answered("SET", nth=4))),
        asked_together(lab),
    ):
        pass
    async with lab.limits(service.metric("webhook_degraded_total"), at_most=0):
        await lab.deliver(3)


@proves("redis.fail_open", fails="outcome", match="no answer from Redis within")
async def test_one_of_a_pipeline_has_no_time_left(lab: Lab) -> None:
    """Redis answers a pipeline too late for one of its deliveries, and in time for the other one."""
    await lab.restart(*TOGETHER)
    first, pipeline = wire.hold(redis.answered("SET", nth=1)), wire.hold(redis.answered("SET", nth=2))
    async with (
        lab.limits(service.metric("webhook_degraded_total"), at_least=1, at_most=1),
        lab.inject(first, pipeline),
        lab.deliver(),
    ):
        await lab.until(first.fired())
        async with lab.deliver():
            await lab.until(service.metric_is("webhook_redis_waiting", at_least=1))
            await lab.wait(1.2, because="so much sooner is its time over than that of the next one")
            async with lab.deliver():
                await lab.until(service.metric_is("webhook_redis_waiting", at_least=2))
                await lab.heal(first)
                await lab.until(service.answers(at_least=2))  # the first one, and the one that went on without Redis
                await lab.heal(pipeline)


@nightly("waits for two seconds until five requests give up")
@proves("redis.fail_open", fails="outcome", match="redis.exceptions|TimeoutError")
async def test_pipeline_is_not_answered(lab: Lab) -> None:
    """Redis never answers a pipeline. Its five deliveries each wait for their own time; later ones ask beside it."""
    await lab.restart(*GROUPED, "WEBHOOK_GROUP_REDIS_QUICK_S=1", "WEBHOOK_BREAKER_FAILURES=100")
    pipeline = wire.hold(redis.answered("SET", nth=2))
    async with (
        lab.limits(service.metric("webhook_degraded_total"), at_least=5, at_most=5),
        lab.inject(pipeline),
        asked_together(lab),
    ):
        await lab.until(pipeline.fired())
        await lab.deliver(3)
