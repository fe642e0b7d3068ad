"""Replies of Redis that are lost, broken, or come too late."""

import pytest

from harness import Fault, Lab, nightly, proves, redis, service, wire
from scenarios.words import WAITS_FOR_REDIS

TOO_EAGER = proves("redis.breaker:eager", fails="figure", match="breaker_open")
NOT_SAVED = proves("redis.fail_open", fails="outcome", match="redis.exceptions")
AS_LOST = nightly("a reply that is lost whole tests the same")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(wire.cut(redis.answered("SET")), id="lost"),
        pytest.param(wire.cut(redis.answered("SET"), after_bytes=2), id="half-sent", marks=AS_LOST),
        pytest.param(wire.reset(redis.answered("SET")), id="reset", marks=AS_LOST),
    ],
)
@NOT_SAVED
async def test_redis_reply_lost_after_its_write(lab: Lab, fault: Fault) -> None:
    """Redis remembers a delivery that was never stored, and its reply is lost. The delivery is stored, once."""
    async with lab.inject(fault):
        await lab.deliver()


@pytest.mark.parametrize(
    "lost", [pytest.param((1,), marks=TOO_EAGER, id="one"), pytest.param((1, 4, 7), marks=NOT_SAVED, id="every-third")]
)
async def test_some_redis_replies_lost(lab: Lab, lost: tuple[int, ...]) -> None:
    """Redis loses a reply now and then. The service keeps asking it."""
    async with lab.inject(*(wire.cut(redis.answered("SET", nth=n)) for n in lost)):
        for _ in range(8):
            await lab.deliver()
    lab.expect(service.metric("webhook_degraded_total", reason="breaker_open"), at_most=0)


@proves("redis.timeouts", fails="slower", match=WAITS_FOR_REDIS)
async def test_redis_reply_never_comes(lab: Lab) -> None:
    """One reply is swallowed, and the connection stays open. No delivery waits for it."""
    async with lab.inject(wire.drop(redis.answered("SET"))):
        await lab.deliver(slower_ms_max=500)


@proves("redis.timeouts", fails="slower", match=WAITS_FOR_REDIS)
async def test_late_redis_reply_meets_nobody(lab: Lab) -> None:
    """A late reply would answer the next request. The service does not use its connection again."""
    async with lab.inject(wire.late(redis.answered("SET"), always=True)):
        await lab.deliver(slower_ms_max=500)
        await lab.deliver(5, copies=2, slower_ms_max=500)


@NOT_SAVED
async def test_redis_replies_are_garbled(lab: Lab) -> None:
    """One bit of a reply is wrong, another one each time. The delivery is stored without Redis whatever that means."""
    garbled = (wire.corrupt(redis.answered("SET", nth=nth), at_byte=byte) for nth, byte in ((1, 0), (2, 1), (3, 4)))
    async with lab.inject(*garbled):
        for _ in range(3):
            await lab.deliver(slower_ms_max=500)
