"""The disk of PostgreSQL is full, and has room again."""

from harness import ACKNOWLEDGED, REFUSED, UNKNOWN, Lab, nightly, postgres, proves, server
from scenarios.words import UNHANDLED


@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}DiskFullError")
async def test_disk_full(lab: Lab) -> None:
    """No page more for a row (53100): the service refuses in time, shows what it has, goes on when there is room."""
    await lab.deliver()
    async with lab.inject(server.fill_disk(postgres, "deliveries")):
        await lab.deliver(5, expect=ACKNOWLEDGED | REFUSED)
        await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
    await lab.deliver(5)


@nightly("PostgreSQL recovers for seconds; a crash tests the same")
@proves("ack.after_commit", fails="acknowledged_is_stored")
async def test_disk_of_the_log_full(lab: Lab) -> None:
    """PostgreSQL can write no more log, panics and stays away: nothing acknowledged is lost, all is well with room."""
    await lab.restart("WEBHOOK_REQUEST_TIMEOUT_S=1")
    await lab.deliver(5)
    async with lab.inject(server.fill_log_disk(postgres)):
        await lab.deliver(5, expect=REFUSED | UNKNOWN)
    await lab.deliver(5)
