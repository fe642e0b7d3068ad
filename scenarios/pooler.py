"""A PgBouncer between the service and PostgreSQL: its connections are anybody's, and it has limits of its own."""

from harness import REFUSED, Lab, Postgres, needs, nightly, postgres, proves, server, service, wire

pooled = Postgres("pooled")
BEHIND_POOLER = ("DATABASE_URL={pooled.url}", "WEBHOOK_BEHIND_POOLER=1")


@needs("pgbouncer")
@proves("pooler.prepare_anew", fails="outcome", match="InvalidSQLStatementNameError", without=("retry.database",))
async def test_transactions_are_pooled(lab: Lab) -> None:
    """Two connections serve many deliveries at once. A statement prepared on one is not there on the other."""
    await lab.restart(*BEHIND_POOLER)
    async with lab.inject(server.pooler(pooled, default_pool_size=2)):
        await lab.deliver(24)  # at once, so that the pooler opens both
        for _ in range(3):
            await lab.deliver()  # by the service's same connection, and by the pooler's two in turn


@needs("pgbouncer")
@proves("retry.database", fails="outcome", match="refused")
async def test_pooler_restarted(lab: Lab) -> None:
    """The pooler is restarted between two statements. The service repeats the transaction over new connections."""
    await lab.restart(*BEHIND_POOLER, "WEBHOOK_RETRY_ATTEMPTS=10")  # three can be over before it is back
    restarted = server.restart(pooled, how="immediate", at=pooled.sent("INSERT"))
    async with lab.inject(server.pooler(pooled)), lab.inject(restarted):
        await lab.deliver()


@needs("pgbouncer")
@proves("commit.resolve", fails="outcome", match="unknown")
async def test_pooler_killed_at_the_commit(lab: Lab) -> None:
    """PostgreSQL has committed, and the pooler dies with the answer: stored once, and acknowledged."""
    await lab.restart(*BEHIND_POOLER)
    async with lab.inject(server.pooler(pooled)), lab.inject(server.crash(pooled, at=postgres.answered("COMMIT"))):
        await lab.deliver()


@nightly("a pooler that is restarted tests most of it")
@needs("pgbouncer")
@proves("retry.database", fails="outcome", match="server conn crashed|server connection closed")
async def test_server_lost_behind_the_pooler(lab: Lab) -> None:
    """The pooler loses its server at an INSERT (08P01). The service's connection to the pooler is useless, too."""
    await lab.restart(*BEHIND_POOLER)
    async with lab.inject(server.pooler(pooled)), lab.inject(wire.cut(postgres.sent("INSERT"))):
        await lab.deliver()


@needs("pgbouncer")
@proves("deadline.request", fails="in_time", match="waiting for pooled")
async def test_pooler_paused(lab: Lab) -> None:
    """The pooler holds what it is sent, as while its server is exchanged. The service refuses in time."""
    await lab.restart(*BEHIND_POOLER, "WEBHOOK_REQUEST_TIMEOUT_S=1.5")
    async with lab.inject(server.pooler(pooled)):
        await lab.deliver()
        async with lab.inject(server.pause_pooler(pooled)):
            await lab.deliver(expect=REFUSED)


@needs("pgbouncer")
@proves("deadline.statement", fails="outcome", match="refused")
async def test_line_to_the_pooler_is_silent(lab: Lab) -> None:
    """An INSERT to the pooler is swallowed. The service gives the connection up in time to store by another one."""
    limits = ("WEBHOOK_STATEMENT_TIMEOUT_S=0.8", "WEBHOOK_SERVER_STATEMENT_TIMEOUT_S=0.7")
    await lab.restart(*BEHIND_POOLER, *limits)
    async with lab.inject(server.pooler(pooled), wire.stall(pooled.sent("INSERT"))):
        await lab.deliver()


@nightly("transactions_are_pooled tests most of it")
@needs("pgbouncer")
@proves("pooler.prepare_anew", fails="outcome", match="InvalidSQLStatementNameError", without=("retry.database",))
async def test_server_restarted_behind_a_paused_pooler(lab: Lab) -> None:
    """PAUSE, PostgreSQL restarts, RESUME. What waited meanwhile meets sessions that know no statement."""
    await lab.restart(*BEHIND_POOLER)
    paused, restarted = server.pause_pooler(pooled), server.restart(postgres)
    async with lab.inject(server.pooler(pooled)):
        await lab.deliver(3)
        await lab.inject(paused, restarted)
        await lab.heal(restarted)
        async with lab.deliver(3):
            await lab.until(paused.fired(3))
            await lab.heal(paused)


@nightly("waits for a pooler's time-out of a second, twice")
@needs("pgbouncer")
@proves("errors.refuse", fails="outcome", match="status 500")
async def test_pooler_has_no_connection_in_time(lab: Lab) -> None:
    """The pooler has no server for too long (08P01). The service refuses, since a retry would only queue again."""
    await lab.restart(*BEHIND_POOLER)
    async with lab.inject(server.pooler(pooled, query_wait_timeout_s=1)):
        await lab.deliver(3)
        async with lab.inject(server.pause_pooler(pooled)):
            await lab.deliver(3, expect=REFUSED)
    lab.expect(service.lines('"event": "refused".*"reason": "pool_timeout", .*query_wait_timeout'), at_least=3)


@needs("pgbouncer")
@proves("retry.database", fails="outcome", match="no more connections allowed")
async def test_pooler_is_full(lab: Lab) -> None:
    """The pooler takes only two clients (08P01). The others retry until one of the two is free."""
    more_tries = ("WEBHOOK_RETRY_ATTEMPTS=30", "WEBHOOK_RETRY_DELAY_MAX_S=0.2", "WEBHOOK_RETRY_BUDGET=off")
    await lab.restart(*BEHIND_POOLER, *more_tries)
    async with lab.inject(server.pooler(pooled, max_client_conn=2)):
        await lab.deliver(6)
