"""Redis itself is in a state in which it answers with an error: repeats are recognised all the same, by PostgreSQL."""

import pytest

from harness import Fault, Lab, link, nightly, proves, redis, server
from scenarios.words import WAITS_FOR_REDIS

IN_VAIN = proves("redis.fail_open", fails="outcome", match="redis.exceptions")
AS_IF = nightly("such an error in place of an answer tests the same, and quicker")


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(server.drive_to(redis, "OOM"), id="OOM"),
        pytest.param(server.drive_to(redis, "MISCONF"), marks=AS_IF, id="MISCONF"),
        pytest.param(server.drive_to(redis, "BUSY"), marks=AS_IF, id="BUSY"),
        pytest.param(server.drive_to(redis, "LOADING"), marks=AS_IF, id="LOADING"),
        pytest.param(server.drive_to(redis, "READONLY"), marks=AS_IF, id="READONLY"),
        pytest.param(server.drive_to(redis, "MASTERDOWN"), marks=AS_IF, id="MASTERDOWN"),
        pytest.param(server.drive_to(redis, "NOAUTH"), marks=AS_IF, id="NOAUTH"),
        pytest.param(server.drive_to(redis, "MAXCLIENTS"), marks=AS_IF, id="MAXCLIENTS"),
    ],
)
@IN_VAIN
async def test_redis_is(lab: Lab, state: Fault) -> None:
    """Redis is in this state for real, and the state ends."""
    await lab.deliver(5)
    async with lab.inject(state, link.cut(redis)):
        await lab.deliver(5, copies=2)
    await lab.deliver(5, copies=2)


@nightly("a link that swallows bytes tests the same")
@proves("redis.timeouts", fails="slower", match=WAITS_FOR_REDIS)
async def test_redis_lets_writers_wait(lab: Lab) -> None:
    """An operator has paused Redis' clients. No delivery waits for that."""
    async with lab.inject(server.drive_to(redis, "PAUSED")):
        await lab.deliver(5, slower_ms_max=500)


@nightly("a reply that is cut tests the same")
@IN_VAIN
async def test_redis_ends_its_clients(lab: Lab) -> None:
    """Redis closes its connections while it is asked. The deliveries go on without it."""
    async with lab.inject(server.kill_clients(redis, at=redis.sent("SET"))):
        await lab.deliver(5, copies=2)
