"""The service itself ends with deliveries under way: it is killed, or asked to end."""

from harness import REFUSED, REJECTED, UNKNOWN, Lab, postgres, process, proves, server, wire


@proves("ack.after_commit", fails="outcome", match="acknowledged")
async def test_service_killed_in_mid_commit(lab: Lab) -> None:
    """SIGKILL while the COMMITs wait. Nothing was promised; sent again, each is stored once."""
    hold = server.hold_commits(postgres, "deliveries")
    await lab.inject(hold)
    async with lab.deliver(5, expect=UNKNOWN):
        await lab.until(postgres.waiting("COMMIT", at_least=5))
        await lab.inject(process.kill())
    await lab.heal(hold)


@proves("drain.sigterm", fails="outcome", match="unknown")
async def test_sigterm_drains(lab: Lab) -> None:
    """Two SIGTERMs with deliveries under way. Those are answered, later ones refused, and the exit status is 0."""
    lock = server.lock(postgres, "deliveries")
    await lab.inject(lock)
    async with lab.deliver(5):
        await lab.until(postgres.waiting("INSERT", at_least=5))
        async with lab.inject(process.terminate(times=2)):
            await lab.deliver(5, expect=REFUSED)
            await lab.wait(0.3, because="a service that does not wait for what it took would be gone by then")
            await lab.heal(lock)


@proves("drain.sigterm", fails="outcome", match="unknown")
async def test_sigterm_waits_for_a_slow_request(lab: Lab) -> None:
    """A request that takes more than a second is answered, not cut. The grace of 1.9 s is not rounded down."""
    await lab.restart("WEBHOOK_REQUEST_TIMEOUT_S=1.9", "WEBHOOK_DRAIN_GRACE_S=1.9")
    hold = wire.hold(postgres.sent("INSERT"))
    await lab.inject(hold)
    async with lab.deliver():
        await lab.until(hold.fired())
        async with lab.inject(process.terminate()):
            await lab.wait(1.2, because="a drain of one second would be over")
            await lab.heal(hold)


@proves("drain.sigterm", fails="outcome", match="unknown")
async def test_sigterm_waits_for_no_client_that_has_its_answer(lab: Lab) -> None:
    """SIGTERM. The service answers its one open request, and waits for no client that already has its answer."""
    hold = wire.hold(postgres.answered("COMMIT"))
    await lab.deliver()
    await lab.request("too_large_and_stays", expect=REJECTED)
    await lab.request("trailers_too_large_and_stay", expect=REJECTED)
    await lab.inject(hold)
    async with lab.deliver():
        await lab.until(hold.fired())
        async with lab.inject(process.terminate()):
            await lab.heal(hold)


@proves("errors.refuse", fails="log_clean", match="Exception in ASGI application|CancelledError")
async def test_time_to_drain_is_over(lab: Lab) -> None:
    """SIGINT, and the grace ends. Open requests still get an answer: refused before their COMMIT, unknown during it."""
    await lab.restart("WEBHOOK_DEADLINE_REQUEST=off", "WEBHOOK_DRAIN_GRACE_S=1")
    commit, insert = wire.hold(postgres.answered("COMMIT")), wire.hold(postgres.sent("INSERT"))
    await lab.inject(commit)
    async with lab.deliver(expect=UNKNOWN):
        await lab.until(commit.fired())
        await lab.inject(insert)
        async with lab.deliver(expect=REFUSED):
            await lab.until(insert.fired())
            async with lab.request("half_a_body", expect=REFUSED):
                await lab.wait(0.2, because="the service has read the first half of the body by then")
                await lab.inject(process.terminate(by="SIGINT"))
