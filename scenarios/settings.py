"""A setting does what it says: limits, pauses, queues and ages other than the usual ones."""

from harness import ACKNOWLEDGED, REFUSED, REJECTED, Lab, link, postgres, proves, redis, server, service, wire
from scenarios.words import CLOSED, UNHANDLED, WAITS_FOR_POSTGRES

ONE_CONNECTION = ("WEBHOOK_POOL_SIZE=1", "WEBHOOK_POOL_MAX_OVERFLOW=0")
TURNED_BACK_ONCE = wire.fail(postgres.sent("INSERT"), code="40001")


@proves("retry.database", fails="outcome", match="SerializationError")
async def test_pauses_as_they_are_set(lab: Lab) -> None:
    """No pause is above its ceiling, a linear one comes before the first retry, and the time limit can be off."""
    await lab.restart("WEBHOOK_RETRY_DELAY_S=86400", "WEBHOOK_RETRY_DELAY_MAX_S=0.05")
    async with lab.inject(TURNED_BACK_ONCE):
        await lab.deliver()
    linear = ("WEBHOOK_RETRY_STYLE=linear", "WEBHOOK_RETRY_DELAY_S=60", "WEBHOOK_RETRY_DELAY_MAX_S=0.05")
    await lab.restart(*linear, "WEBHOOK_REQUEST_TIMEOUT_S=0.5")
    async with lab.inject(TURNED_BACK_ONCE):
        await lab.deliver(expect=REFUSED)
    await lab.restart("WEBHOOK_DEADLINE_REQUEST=off")
    async with lab.inject(TURNED_BACK_ONCE):
        await lab.deliver()


@proves("errors.refuse", fails="log_clean", match=UNHANDLED)
async def test_no_pause_outlasts_the_request(lab: Lab) -> None:
    """The next try would come after the request's time is over. The service refuses at once, and does not wait."""
    await lab.restart("WEBHOOK_RETRY_JITTER=off", "WEBHOOK_RETRY_DELAY_S=60", "WEBHOOK_RETRY_DELAY_MAX_S=60")
    async with lab.inject(TURNED_BACK_ONCE):
        await lab.deliver(expect=REFUSED, slower_ms_max=1_500)


@proves("pool.recycle", fails="outcome", match=f"{CLOSED}|AdminShutdownError")
async def test_pool_as_it_is_set(lab: Lab) -> None:
    """The service uses a connection up to its set age, and waits for one no longer than is set."""
    others_off = ("WEBHOOK_POOL_PRE_PING=off", "WEBHOOK_RETRY_DATABASE=off")
    await lab.restart(*ONE_CONNECTION, *others_off, "WEBHOOK_POOL_RECYCLE_S=0.3", "WEBHOOK_POOL_TIMEOUT_S=0.2")
    await lab.deliver()
    await lab.until(postgres.idle(at_least=1))
    await lab.wait(0.4, because="a connection is too old after 0.3 s")
    await lab.inject(server.end_sessions(postgres))
    await lab.deliver()
    await lab.inject(lock := server.lock(postgres, "deliveries"))
    async with lab.deliver():
        await lab.until(postgres.waiting("INSERT", at_least=1))
        await lab.deliver(expect=REFUSED, slower_ms_max=900)
        await lab.heal(lock)


@proves("deadline.connect", without=("deadline.request",), fails="in_time", match=WAITS_FOR_POSTGRES)
async def test_limits_as_they_are_set(lab: Lab) -> None:
    """With no place in the queue a request is refused, a connect ends in time, and Retry-After is as set."""
    await lab.restart(
        *ONE_CONNECTION, "WEBHOOK_SHED_WAITING_MAX=0", "WEBHOOK_CONNECT_TIMEOUT_S=0.2", "WEBHOOK_RETRY_AFTER_S=7"
    )
    await lab.inject(lock := server.lock(postgres, "deliveries"))
    async with lab.deliver():
        await lab.until(postgres.waiting("INSERT", at_least=1))
        refused = await lab.deliver(3, expect=REFUSED, slower_ms_max=900)
        await lab.heal(lock)
    async with lab.inject(wire.stall(postgres.sent(message="SSLRequest"), always=True), link.cut(postgres)):
        await lab.deliver(expect=REFUSED, slower_ms_max=1_500)
    lab.expect(service.lines('"event": "refused".*"reason": "shed"'), at_least=3)
    assert {dict(each.headers).get("retry-after") for each in refused} == {"7"}, "retry-after"


@proves("redis.breaker", fails="figure", match="sends_per_request")
async def test_redis_as_it_is_set(lab: Lab) -> None:
    """An answer to an older SET does not close the breaker. When it is closed, any number may ask at once."""
    await lab.restart("WEBHOOK_REDIS_OPERATION_TIMEOUT_S=3", "WEBHOOK_BREAKER_FAILURES=1", "WEBHOOK_BREAKER_OPEN_S=0.3")
    early, probe = wire.hold(redis.sent("SET", nth=1)), wire.hold(redis.sent("SET", nth=3))
    await lab.inject(early, wire.fail(redis.sent("SET", nth=2), code="OOM"), probe)
    async with lab.deliver():
        await lab.until(early.fired())
        await lab.deliver()  # fails, and opens the breaker
        await lab.wait(0.4, because="Redis is left alone for 0.3 s")
        async with lab.deliver():
            await lab.until(probe.fired())
            await lab.heal(early)
            await lab.until(service.answers(at_least=1))
            await lab.deliver(2)  # which do not ask Redis: the probe is still out
            await lab.heal(probe)
    async with lab.inject(link.latency(redis, latency_ms=150)):
        await lab.deliver(20)
        await lab.wait(0.4, because="if Redis is left alone all the same, it is asked again: the delay has to be met")
        await lab.deliver()
    lab.expect(service.lines('"event": "redis_failed"'), at_most=1)
    lab.expect(redis.sends_per_request, at_most=0.93)


@proves("redis.breaker", fails="reached", match="webhook_breaker_state")
async def test_time_is_over_while_redis_is_tried(lab: Lab) -> None:
    """A request runs out of time while it asks Redis. That says nothing about Redis, also where it is the probe."""
    await lab.restart(
        "WEBHOOK_REQUEST_TIMEOUT_S=0.7", "WEBHOOK_REDIS_OPERATION_TIMEOUT_S=3",
        "WEBHOOK_BREAKER_FAILURES=1", "WEBHOOK_BREAKER_OPEN_S=0.6",
    )  # fmt: skip
    async with lab.inject(wire.hold(redis.sent("SET"))), lab.limits(service.metric("webhook_breaker_state"), at_most=0):
        await lab.deliver(expect=REFUSED)
    await lab.inject(wire.fail(redis.sent("SET", nth=1), code="OOM"), held := wire.hold(redis.sent("SET", nth=2)))
    await lab.deliver()  # fails, and opens the breaker
    await lab.wait(0.7, because="Redis is left alone for 0.6 s")
    await lab.deliver(expect=REFUSED)
    await lab.until(service.metric_is("webhook_breaker_state", at_least=2))
    await lab.heal(held)
    await lab.deliver()
    await lab.until(service.metric_is("webhook_breaker_state", at_most=0))


@proves("redis.fail_open", fails="outcome", match="redis.exceptions")
async def test_patience_as_it_is_set(lab: Lab) -> None:
    """The service waits for a head, and for a server in a readiness check, as long as its settings say."""
    await lab.restart("WEBHOOK_HEADERS_TIMEOUT_S=0.4", "WEBHOOK_READY_TIMEOUT_S=4")
    await lab.deliver()  # so that a connection is there, which takes its second
    async with lab.request("half_a_head", of=None, expect=REJECTED):
        await lab.until(service.answers(at_least=1, outcome=REJECTED), within_s=2)
    async with lab.inject(link.latency(postgres, latency_ms=300)):
        await lab.request("ready", of=None, expect=ACKNOWLEDGED)
    async with lab.inject(link.down(redis)):
        await lab.deliver()


@proves("redis.fail_open", fails="outcome", match="redis.exceptions")
async def test_bounds_of_a_request_as_they_are_set(lab: Lab) -> None:
    """A request that is older, longer or has more headers than the settings allow is rejected. Others are stored."""
    async with lab.inject(link.down(redis)):
        await lab.restart("WEBHOOK_HEADERS_LIMIT_BYTES=256")
        await lab.request("long_id", of=None, expect=REJECTED)
        await lab.restart("WEBHOOK_TIMESTAMP_TOLERANCE_S=60", "WEBHOOK_BODY_LIMIT_BYTES=1000000")
        await lab.request("late", of=None, expect=REJECTED)
        await lab.request("largest", of=None, expect=REJECTED)
        await lab.deliver()
