"""The network itself: lines that go dead, connects that hang, packets that get lost."""

import pytest

from harness import REFUSED, UNKNOWN, Lab, Message, link, postgres, proves, redis, service
from scenarios.words import WAITS_FOR_POSTGRES, WAITS_FOR_REDIS


@pytest.mark.parametrize("at", [postgres.answered("INSERT"), postgres.sent("COMMIT")])
@proves("deadline.statement:eager", fails="figure", match="webhook_retries_total")
async def test_line_dead_for_a_moment(lab: Lab, at: Message) -> None:
    """From one message on the line is dead, and comes back: TCP's next try arrives, and no retry is spent on it."""
    dead = link.dead(postgres, at=at)
    await lab.inject(dead)
    async with lab.deliver():
        await lab.until(dead.fired())
        await lab.heal(dead)
    lab.expect(service.metric("webhook_retries_total"), at_most=0)


@proves("deadline.statement", "deadline.request", fails="in_time", match=WAITS_FOR_POSTGRES)
async def test_line_dead_before_the_commit(lab: Lab) -> None:
    """The COMMIT never arrives, nor does anything else: the client is told in time that it may be stored or not."""
    async with lab.inject(link.dead(postgres, at=postgres.answered("INSERT"))):
        await lab.deliver(expect=REFUSED | UNKNOWN)


@proves("deadline.connect", without=("deadline.request",), fails="in_time", match=WAITS_FOR_POSTGRES)
async def test_connects_hang(lab: Lab) -> None:
    """The pool is empty, and SYNs get lost: no connect hangs for longer than it may, and the delivery is refused."""
    async with lab.inject(link.cut(postgres), link.swallow_syn(postgres)):
        await lab.deliver(expect=REFUSED)


@proves("redis.fail_open", fails="outcome", match="redis.exceptions|TimeoutError")
async def test_packets_lost(lab: Lab) -> None:
    """A tenth of the packets to and from PostgreSQL get lost, and of Redis' four tenths: late, but acknowledged."""
    async with lab.inject(link.lose(postgres, percent=10), link.lose(redis, percent=40)):
        await lab.deliver(10)


@proves("redis.timeouts", fails="slower", match=WAITS_FOR_REDIS)
async def test_line_to_redis_dead(lab: Lab) -> None:
    """No packet of Redis' arrives, and no connect comes through: nobody waits for it."""
    async with lab.inject(link.dead(redis)):
        await lab.deliver(5, slower_ms_max=500)
