"""The same delivery, many times at once: one row, and the same answer for all."""

import pytest

from harness import Fault, Lab, link, no_fault, postgres, proves, redis, server

STORED_TWICE = proves("insert.idempotent", fails="stored_once")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(no_fault, id="redis-up"),
        pytest.param(link.down(redis), id="redis-down"),
        pytest.param(server.poison(redis), id="redis-poisoned"),
    ],
)
@STORED_TWICE
async def test_twenty_copies_at_once(lab: Lab, fault: Fault) -> None:
    """One copy is in its COMMIT when the others come: one row, twenty equal answers."""
    hold = server.hold_commits(postgres, "deliveries")
    await lab.inject(fault, hold)
    async with lab.deliver(copies=20):
        await lab.until(postgres.waiting(at_least=5))
        await lab.heal(hold)


@STORED_TWICE
async def test_twenty_copies_while_redis_is_flushed(lab: Lab) -> None:
    """Redis forgets everything while the first copy is in its COMMIT: PostgreSQL remembers."""
    hold = server.hold_commits(postgres, "deliveries")
    await lab.inject(hold)
    async with lab.deliver(copies=20):
        await lab.until(postgres.waiting(at_least=5))
        await lab.inject(server.flush(redis))
        await lab.heal(hold)
