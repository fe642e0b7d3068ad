"""A server itself is stopped, restarted or killed, and comes back, as in an upgrade or a failover."""

from typing import Literal

import pytest

from harness import ANY_OUTCOME, REFUSED, Lab, postgres, proves, redis, server
from scenarios.words import REFUSED_CONNECT, UNHANDLED

NOT_CAUGHT = proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}({REFUSED_CONNECT})")


@NOT_CAUGHT
async def test_postgres_stopped_by_the_operator(lab: Lab) -> None:
    """Sessions end with 57P01 and connects are refused; the service refuses, and recovers without a restart."""
    async with lab.inject(server.stop(postgres)):
        await lab.deliver(5, expect=REFUSED)
    await lab.deliver(5)


async def test_postgres_restarted_under_traffic(lab: Lab) -> None:
    """Some deliveries are refused while it is away, none is lost, and new ones are stored once it is back."""
    restarted = server.restart(postgres, down_ms=300)
    async with lab.inject(restarted):
        await lab.deliver(5, expect=ANY_OUTCOME)
        await lab.until(restarted.fired())
    await lab.deliver(5)


@pytest.mark.parametrize("how", ["orderly", "immediate"])
async def test_redis_restarted_empty(lab: Lab, how: Literal["orderly", "immediate"]) -> None:
    """A Redis that has forgotten everything costs no delivery, and repeats are recognised by PostgreSQL."""
    await lab.deliver(3)
    await lab.inject(server.restart(redis, how=how))
    await lab.deliver(3)


async def test_postgres_killed_right_after_an_acknowledgement(lab: Lab) -> None:
    """What PostgreSQL had committed when it was killed is there after its recovery."""
    async with lab.inject(server.crash(postgres, at=postgres.answered("COMMIT"))):
        await lab.deliver()


async def test_postgres_killed_before_its_commit(lab: Lab) -> None:
    """The COMMIT never arrived: the delivery is refused, or tried again after the recovery, and stored once."""
    async with lab.inject(server.crash(postgres, down_ms=None, at=postgres.sent("COMMIT"))):
        await lab.deliver(expect=ANY_OUTCOME)
