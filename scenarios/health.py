"""What the service says of its own health is true, whatever else is away."""

import pytest

from harness import ACKNOWLEDGED, REFUSED, Fault, Lab, Outcome, link, postgres, proves, redis, server
from scenarios.words import UNHANDLED

NO_REFUSAL = proves("errors.refuse", fails="outcome", match=UNHANDLED)
NO_FAIL_OPEN = proves("redis.fail_open", fails="outcome", match="redis.exceptions|TimeoutError")


@pytest.mark.parametrize(
    ("faults", "expect"),
    [
        pytest.param([link.down(postgres)], REFUSED, marks=NO_REFUSAL, id="postgres-down"),
        pytest.param([link.swallow(redis)], ACKNOWLEDGED, marks=NO_FAIL_OPEN, id="redis-silent"),
        pytest.param([link.down(postgres), link.down(redis)], REFUSED, marks=NO_REFUSAL, id="both-down"),
    ],
)
async def test_health(lab: Lab, faults: list[Fault], expect: Outcome) -> None:
    """The service is alive whatever is away, ready exactly if it acknowledges, and ready again afterwards."""
    async with lab.inject(*faults):
        await lab.deliver(5, expect=expect)
        await lab.request("alive", expect=ACKNOWLEDGED)
        await lab.request("ready", expect=expect)
    await lab.request("ready", expect=ACKNOWLEDGED, within_ms=5_000)


@NO_REFUSAL
async def test_health_without_its_table(lab: Lab) -> None:
    """PostgreSQL is there, and what deliveries are stored in is not: the service is not ready."""
    away = server.execute(
        postgres, "ALTER TABLE deliveries RENAME TO mislaid", undo="ALTER TABLE mislaid RENAME TO deliveries"
    )
    async with lab.inject(away):
        await lab.deliver(expect=REFUSED)
        await lab.request("ready", expect=REFUSED)
    await lab.request("ready", expect=ACKNOWLEDGED, within_ms=5_000)
