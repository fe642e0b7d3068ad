"""The pool of PostgreSQL connections: cut while idle, cut while busy, used up."""

from harness import ACKNOWLEDGED, REFUSED, Lab, link, postgres, proves, redis, server, service, wire
from scenarios.words import CLOSED, UNHANDLED, WAITS_FOR_POSTGRES

NO_OTHER_LIMIT = ("load.shed", "deadline.request")
"""A queue that is kept short and a request's own deadline would each end the waiting, too."""
ALONE_WITH_ITS_AGE = ("pool.recycle:soon", "pool.pre_ping", "retry.database")
"""A connection is old after a millisecond, and the service neither tests it before use nor retries."""


@proves("pool.pre_ping", fails="figure", match="webhook_retries_total")
@proves("pool.pre_ping", without=("retry.database",), fails="outcome", match=CLOSED)
@proves(under="unprotected", fails="outcome", match=CLOSED)
async def test_idle_pool_cut(lab: Lab) -> None:
    """Pooled connections die while idle. No client notices, and no retry is spent."""
    await lab.until(postgres.idle(at_least=1))
    await lab.inject(link.cut(postgres))
    await lab.deliver(5)
    lab.expect(service.metric("webhook_retries_total"), at_most=0)


@proves("deadline.statement", fails="outcome", match=f"refused.*{WAITS_FOR_POSTGRES}")
async def test_pooled_connection_is_silent(lab: Lab) -> None:
    """The first use of a pooled connection gets no answer. Another one stores the delivery in time, without a retry."""
    await lab.until(postgres.idle(at_least=1))
    async with lab.inject(wire.stall(postgres.sent())):
        await lab.deliver(slower_ms_max=3_500)
    lab.expect(service.metric("webhook_retries_total"), at_most=0)


@proves("pool.recycle", without=ALONE_WITH_ITS_AGE, fails="outcome", match=f"{CLOSED}|AdminShutdownError")
async def test_old_sessions_are_ended(lab: Lab) -> None:
    """PostgreSQL ends sessions that were idle for long. The service does not use a connection of that age."""
    await lab.until(postgres.idle(at_least=1))
    await lab.inject(server.end_sessions(postgres))
    await lab.deliver(5)


@proves("retry.database", fails="outcome", match=CLOSED)
@proves(under="unprotected", fails="outcome", match=f"{UNHANDLED}({CLOSED})")
async def test_all_connections_cut_under_traffic(lab: Lab) -> None:
    """Every connection dies at once, with a statement on each. All deliveries are still acknowledged."""
    lock = server.lock(postgres, "deliveries")
    async with lab.traffic(clients=12):
        await lab.inject(lock)
        await lab.until(postgres.waiting("INSERT", at_least=12))
        await lab.inject(link.cut(postgres))
        await lab.heal(lock)
        await lab.until(service.answers(at_least=50))


@proves("pool.bounded_checkout", without=NO_OTHER_LIMIT, fails="in_time", match=WAITS_FOR_POSTGRES)
@proves(under="incident", fails="in_time", match=WAITS_FOR_POSTGRES)
async def test_pool_exhausted_by_slow_queries(lab: Lab) -> None:
    """Every connection waits for a lock. A request that gets none is refused well before its own limit of 5 s."""
    async with lab.inject(server.lock(postgres, "deliveries")), lab.deliver(15, expect=ACKNOWLEDGED | REFUSED):
        await lab.until(postgres.waiting("INSERT", at_least=15))
        # One that gets a connection after all has waited 1.5 s for it, and waits as long for the lock.
        await lab.deliver(75, expect=REFUSED, slower_ms_max=4_500)


@proves("pool.bounded_checkout", fails="slower", match=WAITS_FOR_POSTGRES)
async def test_no_connection_comes_free(lab: Lab) -> None:
    """All connections are in INSERTs that outlast the wait for one. A waiting request is refused after one try."""
    inserts = wire.hold(postgres.sent("INSERT"))
    await lab.inject(inserts)
    async with lab.deliver(15, expect=ACKNOWLEDGED | REFUSED):
        await lab.until(inserts.fired(15))
        await lab.deliver(3, expect=REFUSED, slower_ms_max=3_000)
        await lab.heal(inserts)
    lab.expect(service.lines('"event": "attempt_failed".*QueuePool limit'), at_most=0)
    lab.expect(service.metric("webhook_failures_total", reason="pool_timeout"), at_least=3)


@proves("load.shed", fails="figure", match="webhook_shed_total")
async def test_queue_for_the_pool_is_full(lab: Lab) -> None:
    """Every connection is taken, and as many requests wait. Further ones are refused without waiting.

    However many come, the service itself refuses them, in its own words.
    """
    async with lab.inject(server.lock(postgres, "deliveries")):
        await lab.deliver(130, expect=ACKNOWLEDGED | REFUSED)
    lab.expect(service.metric("webhook_shed_total"), at_least=1)
    lab.expect(service.metric("webhook_pool_waits_total"), at_least=15)
    lab.expect(service.metric("webhook_retries_total"), at_most=20)  # of what was refused nothing is tried again
    hold, waited = server.hold_commits(postgres, "deliveries"), wire.hold(postgres.sent("COMMIT", nth=16))
    await lab.inject(hold, waited)
    async with lab.deliver(25):
        await lab.until(postgres.waiting("COMMIT", at_least=15))
        # Ten deliveries queue. Each one counts as waiting only until it has a connection.
        await lab.until(service.metric_is("webhook_pool_waiting", at_least=10))
        async with lab.limits(service.metric("webhook_pool_waiting"), at_most=-10):
            await lab.heal(hold)
            await lab.until(waited.fired())
            await lab.until(service.answers(at_least=24))
        await lab.heal(waited)


@proves("pool.pre_ping", without=("retry.database",), fails="outcome", match="another operation .* is in progress")
async def test_sessions_ended_and_their_close_is_late(lab: Lab) -> None:
    """PostgreSQL has ended an idle session, and its close is on the way. The service does not use that session."""
    await lab.deliver(5)
    async with lab.inject(link.slow_close(postgres, delay_ms=2_000)):
        await lab.inject(server.end_sessions(postgres))
        await lab.deliver(5)
    lab.expect(service.metric("webhook_retries_total"), at_most=0)


@proves("pool.keeps_all", fails="figure", match=r"postgres\.connects_peak")
async def test_connections_are_used_again(lab: Lab) -> None:
    """Twelve clients deliver one after another, and servers answer some with errors. No connection is lost by that."""
    await lab.restart("WEBHOOK_REDIS_OPERATION_TIMEOUT_S=2")  # a busy machine takes longer, and that ends a connection
    deadlock = wire.fail(postgres.sent("INSERT", nth=60), code="40P01")
    full = (wire.fail(redis.sent("SET", nth=nth), code="OOM") for nth in (60, 100, 140, 180))
    nobody_waits = lab.limits(service.metric("webhook_pool_waits_total"), at_most=0)  # each may open a connection
    async with lab.inject(deadlock, *full), nobody_waits, lab.traffic(clients=12):
        await lab.until(service.answers(at_least=300, outcome=ACKNOWLEDGED))
    for link_to in (postgres, redis):
        lab.expect(link_to.connects_peak(within_ms=5_000), at_most=15)


@proves("deadline.statement", without=("deadline.request",), fails="slower", match=r"took 3\.\d+ s")  # the late close
async def test_postgres_is_slow_to_hang_up(lab: Lab) -> None:
    """More connections come back than the pool keeps, and PostgreSQL closes late. No request waits for the close."""
    await lab.restart("WEBHOOK_POOL_KEEPS_ALL=off")
    inserts = wire.hold(postgres.sent("INSERT"))
    await lab.inject(link.slow_close(postgres, delay_ms=3_000), inserts)
    async with lab.deliver(8, slower_ms_max=1_500):
        await lab.until(inserts.fired(8))
        await lab.heal(inserts)
