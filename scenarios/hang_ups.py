"""The sender hangs up, or the service ends, before the answer is sent. What was begun is whole or absent."""

import pytest

from harness import (
    ACKNOWLEDGED,
    UNKNOWN,
    Lab,
    Message,
    Outcome,
    nightly,
    postgres,
    process,
    proves,
    redis,
    server,
    wire,
)

STORED_TWICE = proves("insert.idempotent", fails="stored_once")
NEXT_TO_ANOTHER = nightly("a client that hangs up at the message before tests most of it")


@pytest.mark.parametrize(
    ("at", "expect"),
    [
        # The service does not wait long for Redis: on a busy machine it goes on before a client has hung up.
        pytest.param(redis.sent("SET"), UNKNOWN | ACKNOWLEDGED, id="set", marks=NEXT_TO_ANOTHER),
        pytest.param(postgres.sent("INSERT"), UNKNOWN, id="insert"),
        pytest.param(postgres.answered("INSERT"), UNKNOWN, id="inserted", marks=NEXT_TO_ANOTHER),
        pytest.param(postgres.sent("COMMIT"), UNKNOWN, id="commit"),
        pytest.param(postgres.answered("COMMIT"), UNKNOWN, id="committed", marks=NEXT_TO_ANOTHER),
    ],
)
@STORED_TWICE
async def test_clients_hang_up_at(lab: Lab, at: Message, expect: Outcome) -> None:
    """Five senders, one after the other, hang up at a message and send again. Each delivery is stored once."""
    await lab.deliver(5, hang_up_at=at, expect=expect)
    await lab.deliver(5)
    await lab.inject(server.flush(redis))  # PostgreSQL alone remembers


@STORED_TWICE
async def test_all_clients_hang_up_in_the_commit(lab: Lab) -> None:
    """All connections of the pool are in a COMMIT when the senders hang up. Each returns to the pool."""
    async with lab.inject(wire.hang_up(postgres.sent("COMMIT"))):
        await lab.deliver(5, expect=UNKNOWN)
    await lab.deliver(5)
    await lab.inject(server.flush(redis))


@nightly("waits for the time that the service takes to drain")
@proves("drain.sigterm", fails="drains", match="status -15")
async def test_commit_in_doubt_when_the_service_ends(lab: Lab) -> None:
    """SIGTERM while no COMMIT is answered. The grace ends before anything is known: unknown, and not refused."""
    stall = wire.stall(postgres.answered("COMMIT"), always=True)
    await lab.inject(stall)
    async with lab.deliver(expect=UNKNOWN):
        await lab.until(stall.fired())
        await lab.inject(process.terminate())
