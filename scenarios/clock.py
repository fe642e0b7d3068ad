"""The wall clock is set forward and back while the service runs."""

from harness import Lab, link, postgres, process, proves, redis, server, service
from scenarios.words import REFUSED_CONNECT


@proves("redis.fail_open", fails="outcome", match=REFUSED_CONNECT)
async def test_clock_is_set_back(lab: Lab) -> None:
    """A running request keeps its time, a new signature is valid, and Redis is asked again after its second."""
    clock, lock = process.clock(ahead_s=3600), server.lock(postgres, "deliveries")
    await lab.inject(lock)
    async with lab.deliver():
        await lab.until(postgres.waiting("INSERT"))
        await lab.inject(clock, link.cut(postgres))
        await lab.heal(lock)
    async with lab.inject(link.down(redis)):
        await lab.deliver(5)
    await lab.request("late")
    await lab.request("stale")
    await lab.heal(clock)
    await lab.wait(1.1, because="Redis is left alone for a second after it failed")
    for _ in range(3):  # on a busy machine Redis may miss its 50 ms once
        await lab.deliver()
    lab.expect(service.metric("webhook_breaker_state"), at_most=0)
