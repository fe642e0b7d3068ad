"""The service itself ends, killed or asked to, with deliveries under way."""

from harness import REFUSED, UNKNOWN, Lab, postgres, process, proves, server


@proves("ack.after_commit", fails="outcome", match="acknowledged")
async def test_service_killed_in_mid_commit(lab: Lab) -> None:
    """SIGKILL while the COMMITs wait: nothing was promised, and sent again it is stored once."""
    hold = server.hold_commits(postgres, "deliveries")
    await lab.inject(hold)
    async with lab.deliver(5, expect=UNKNOWN):
        await lab.until(postgres.waiting("COMMIT", at_least=5))
        await lab.inject(process.kill())
    await lab.heal(hold)


@proves("drain.sigterm", fails="outcome", match="unknown")
async def test_sigterm_drains(lab: Lab) -> None:
    """SIGTERM with deliveries under way: what was taken is answered, the rest refused, exit status 0."""
    lock = server.lock(postgres, "deliveries")
    await lab.inject(lock)
    async with lab.deliver(5):
        await lab.until(postgres.waiting("INSERT", at_least=5))
        async with lab.inject(process.terminate()):
            await lab.deliver(5, expect=REFUSED)
            await lab.heal(lock)
