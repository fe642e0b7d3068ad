"""When everything fails, retrying everything makes it worse."""

from harness import REFUSED, Lab, link, nightly, postgres, proves, service, syscall, wire


@proves("retry.budget", fails="figure", match="sends_per_request")
async def test_retries_are_a_share_of_the_requests(lab: Lab) -> None:
    """After a quiet time every INSERT is turned back. Retries stay a share of the requests, not twice as many."""
    async with lab.traffic(clients=8):  # for which nothing more may be tried again later
        await lab.until(service.answers(at_least=120))
    async with (
        # At least what the budget gives: a request that fails for good has no right to a retry, and pays for none.
        # At most what it gives to 110 requests: a retry that filled it like a request would get 77 for sixty.
        lab.limits(service.metric("webhook_retries_total"), at_most=72, at_least=56),
        lab.inject(wire.fail(postgres.sent("INSERT"), code="40001", always=True)),
        lab.traffic(clients=8, expect=REFUSED),
    ):
        await lab.until(service.answers(at_least=60))
    async with lab.inject(wire.cut(postgres.answered("COMMIT"))):
        await lab.deliver()  # what is in doubt is asked for, whatever was tried again before
    lab.expect(postgres.sends_per_request, at_most=1.5)


@nightly("waits until a budget has filled")
@proves("retry.database", fails="outcome", match="DeadlockDetectedError")
async def test_retries_come_back_with_the_requests(lab: Lab) -> None:
    """All retries are used up, then all is well for a while: retries are allowed again. A final error costs none."""
    async with (
        lab.inject(wire.fail(postgres.sent("INSERT"), code="40001", always=True)),
        lab.traffic(clients=8, expect=REFUSED),
    ):
        await lab.until(service.answers(at_least=100))
    async with lab.traffic(clients=8):
        await lab.until(service.answers(at_least=50))
    async with (
        lab.inject(wire.fail(postgres.sent("INSERT"), code="42501", always=True)),
        lab.traffic(clients=8, expect=REFUSED),
    ):
        await lab.until(service.answers(at_least=60))
    for _ in range(2):
        async with lab.inject(wire.fail(postgres.sent("INSERT"), code="40P01")):
            await lab.deliver()


@proves("retry.jitter", fails="figure", match="connects_peak")
async def test_no_herd_when_postgres_is_back(lab: Lab) -> None:
    """Twelve COMMITs are cut, and sixty connects refused. Each request then comes back at a moment of its own."""
    commits = wire.hold(postgres.sent("COMMIT"))
    await lab.inject(commits)
    async with lab.deliver(12):
        await lab.until(commits.fired(12))
        await lab.inject(syscall.connect(postgres, errno="ECONNREFUSED", times=60), link.cut(postgres))
        await lab.until(commits.fired(24))  # each on a connection of its own, since none was given back
        await lab.heal(commits)
    lab.expect(postgres.connects_peak(within_ms=250), at_most=11)
