"""The service itself runs short of something, and gets it back."""

from harness import ACKNOWLEDGED, REFUSED, Lab, postgres, process, proves, wire
from scenarios.words import UNHANDLED


@proves("errors.refuse", fails="log_clean", match=f"{UNHANDLED}OSError")
async def test_descriptors_run_out(lab: Lab) -> None:
    """No descriptor is left for a sender or a server: some are refused, some wait; all is well when some are back."""
    limit, inserts = process.limit(more_descriptors=1), wire.hold(postgres.sent("INSERT"))
    await lab.inject(limit, inserts)
    async with lab.deliver(60, expect=ACKNOWLEDGED | REFUSED):
        await lab.until(limit.fired())
        await lab.heal(limit, inserts)
    await lab.deliver(20)
