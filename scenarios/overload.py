"""More arrives than the service can carry. When the cause is gone and the load is normal, it must recover."""

from harness import ACKNOWLEDGED, REFUSED, Lab, link, nightly, postgres, proves, redis, server
from scenarios.words import WAITS_FOR_POSTGRES

NOT_NOW = ACKNOWLEDGED | REFUSED
GIVEN_UP = f"given up after .* ms, {WAITS_FOR_POSTGRES}"
AT_ONCE = ("WEBHOOK_POOL_SIZE=8", "WEBHOOK_POOL_MAX_OVERFLOW=0")
"""These connections and the way to PostgreSQL limit what the service carries, not the machine's cores."""
FAR_AWAY = link.latency(postgres, latency_ms=40)
LONG = "loads the service for four seconds, and starts it anew twice"


@nightly(LONG)
@proves("load.shed", without=("load.newest_first",), fails="comes_back", match=GIVEN_UP)
async def test_impatient_clients_try_again(lab: Lab) -> None:
    """A migration locks the table for a moment; clients hang up and retry. That alone must not keep it busy."""
    await lab.restart(*AT_ONCE, "WEBHOOK_SHED_WAITING_MAX=4")
    await lab.inject(FAR_AWAY)
    await lab.capacity(clients=16, for_s=1)
    async with (
        lab.arrivals(of_capacity=0.6, patience_ms=600, retries=4, expect=NOT_NOW),
        lab.comes_back(within_s=0.5),
        lab.inject(server.lock(postgres, "deliveries")),
    ):
        await lab.wait(1, because="so long a migration holds the table")


@nightly(LONG)
@proves("load.newest_first", fails="comes_back", match=GIVEN_UP)
async def test_queue_that_nobody_waits_in(lab: Lab) -> None:
    """PostgreSQL is slow for a moment, and all queued clients hang up. New clients must not wait behind them."""
    await lab.restart("WEBHOOK_POOL_SIZE=8", "WEBHOOK_POOL_MAX_OVERFLOW=0", "WEBHOOK_SHED_WAITING_MAX=40")
    await lab.inject(link.latency(postgres, latency_ms=40))
    await lab.capacity(clients=16, for_s=1)
    async with (
        lab.arrivals(of_capacity=0.5, patience_ms=700, retries=3, expect=ACKNOWLEDGED | REFUSED),
        lab.comes_back(within_s=1),
        lab.inject(link.latency(postgres, latency_ms=500, stream="upstream")),
    ):
        await lab.wait(1.2, because="so long PostgreSQL is slow")


@nightly(LONG)
@proves("load.shed", without=("load.newest_first",), fails="comes_back", match=GIVEN_UP)
async def test_cache_is_lost_and_all_come_again(lab: Lab) -> None:
    """Redis goes, senders repeat, and PostgreSQL has every look-up. The service recovers once Redis is back."""
    await lab.restart(*AT_ONCE, "WEBHOOK_SHED_WAITING_MAX=4")
    await lab.inject(FAR_AWAY)
    await lab.deliver(12)
    await lab.capacity(clients=16, for_s=1, again=True)
    async with (
        lab.arrivals(of_capacity=0.5, patience_ms=600, retries=3, expect=NOT_NOW),
        lab.comes_back(within_s=1),
        lab.inject(link.down(redis)),
    ):
        await lab.arrivals(of_capacity=2.5, for_s=0.6, patience_ms=600, retries=3, expect=NOT_NOW, again=True)
