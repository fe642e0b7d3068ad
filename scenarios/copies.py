"""Two processes of the service on one database and one Redis, and one that takes over from the other."""

from harness import Lab, link, postgres, proves, redis, wire
from scenarios.words import REFUSED_CONNECT


@proves("redis.fail_open", fails="outcome", match=REFUSED_CONNECT)
async def test_two_copies_of_the_service(lab: Lab) -> None:
    """Without Redis, each process knows what the other has acknowledged, for repeats, reads and all else."""
    async with lab.copies(2), lab.inject(link.down(redis)):
        await lab.deliver(3)
        await lab.contract()


@proves("insert.idempotent", fails="stored_once")
async def test_same_delivery_to_both_copies(lab: Lab) -> None:
    """Each of the two finds nothing, and inserts. There is one row, and both answers are equal."""
    meet = wire.hold(postgres.sent("INSERT"))
    async with lab.copies(2), lab.inject(meet), lab.deliver(copies=2):
        await lab.until(meet.fired(2))
        await lab.heal(meet)


@proves("drain.sigterm", fails="outcome", match="unknown")
async def test_rolling_change(lab: Lab) -> None:
    """The new process serves, and the old one finishes its requests. No client notices."""
    slow = link.latency(postgres, latency_ms=20)
    async with lab.inject(slow), lab.traffic(clients=4):
        await lab.roll()
