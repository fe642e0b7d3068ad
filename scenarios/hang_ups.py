"""Nobody waits for the answer any more: the sender hangs up, or the service ends. What was begun is whole or absent."""

import pytest

from harness import (
    ACKNOWLEDGED,
    UNKNOWN,
    Lab,
    Message,
    Outcome,
    link,
    postgres,
    process,
    proves,
    redis,
    server,
    service,
    wire,
)

STORED_TWICE = proves("insert.idempotent", fails="stored_once")


@pytest.mark.parametrize(
    ("at", "expect"),
    [
        # The service does not wait long for Redis: on a busy machine it goes on before a client has hung up.
        pytest.param(redis.sent("SET"), UNKNOWN | ACKNOWLEDGED, id="set"),
        pytest.param(postgres.sent("INSERT"), UNKNOWN, id="insert"),
        pytest.param(postgres.answered("INSERT"), UNKNOWN, id="inserted"),
        pytest.param(postgres.sent("COMMIT"), UNKNOWN, id="commit"),
        pytest.param(postgres.answered("COMMIT"), UNKNOWN, id="committed"),
    ],
)
@STORED_TWICE
async def test_clients_hang_up_at(lab: Lab, at: Message, expect: Outcome) -> None:
    """Five senders, one after the other, hang up at a message, and send again: stored once, and the next are served."""
    await lab.deliver(5, hang_up_at=at, expect=expect)
    await lab.deliver(5)
    await lab.inject(server.flush(redis))  # PostgreSQL alone remembers


@STORED_TWICE
async def test_all_clients_hang_up_in_the_commit(lab: Lab) -> None:
    """All connections of the pool are in a COMMIT when the senders hang up: each is given back."""
    async with lab.inject(wire.hang_up(postgres.sent("COMMIT"))):
        await lab.deliver(5, expect=UNKNOWN)
    await lab.deliver(5)
    await lab.inject(server.flush(redis))


@proves("drain.sigterm", fails="drains", match="status -15")
async def test_commit_in_doubt_when_the_service_ends(lab: Lab) -> None:
    """SIGTERM while no COMMIT is answered: the time is over before anything is known: unknown, and not refused."""
    stall = wire.stall(postgres.answered("COMMIT"), always=True)
    await lab.inject(stall)
    async with lab.deliver(expect=UNKNOWN):
        await lab.until(stall.fired())
        await lab.inject(process.terminate())


@proves("redis.breaker", fails="figure", match="webhook_degraded_total")
async def test_client_hangs_up_while_redis_is_tried(lab: Lab) -> None:
    """The one whose request tries a silent Redis again hangs up: that says nothing of Redis, and another one tries."""
    async with lab.inject(link.swallow(redis)):
        await lab.deliver(5)
        await lab.wait(1.1, because="Redis is left alone for a second")
        # By a new connection. On a busy machine its 50 ms may be over before the client has hung up.
        await lab.deliver(hang_up_at=redis.sent("SELECT"), expect=UNKNOWN | ACKNOWLEDGED)
        await lab.deliver(8)
    lab.expect(service.metric("webhook_degraded_total", reason="redis_failed"), at_most=7)
    await lab.wait(1.1, because="Redis is left alone for another second")
    await lab.deliver()
    lab.expect(service.metric("webhook_breaker_state"), at_most=0)
