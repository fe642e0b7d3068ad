"""A server itself is stopped, restarted or killed, and comes back, as in an upgrade or a failover."""

from typing import Literal

import pytest

from harness import (
    ACKNOWLEDGED,
    ANY_OUTCOME,
    REFUSED,
    UNKNOWN,
    Lab,
    Postgres,
    Redis,
    link,
    nightly,
    postgres,
    proves,
    redis,
    server,
    service,
    wire,
)
from scenarios.night import at_night
from scenarios.words import CLOSED, REFUSED_CONNECT, UNHANDLED, WAITS_FOR_POSTGRES

NOT_CAUGHT = proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}({REFUSED_CONNECT})")
STALE = proves("pool.pre_ping", without=("retry.database",), fails="outcome", match=CLOSED)


@NOT_CAUGHT
async def test_postgres_stopped_by_the_operator(lab: Lab) -> None:
    """Sessions end with 57P01 and connects are refused; the service refuses, and recovers without being restarted."""
    async with lab.inject(server.stop(postgres)):
        await lab.deliver(5, expect=REFUSED)
    await lab.deliver(5)


@STALE
async def test_postgres_restarted_while_the_service_was_idle(lab: Lab) -> None:
    """Every pooled connection is dead, and no delivery pays for it."""
    await lab.deliver(5)
    async with lab.inject(server.restart(postgres)):
        pass
    await lab.deliver(5)


@proves("errors.refuse", fails="log_clean", match=REFUSED_CONNECT)
async def test_postgres_restarted_under_traffic(lab: Lab) -> None:
    """Deliveries that come while it is away are refused or wait for it; all that come later are stored."""
    async with lab.inject(server.restart(postgres, down_ms=300)):
        await lab.deliver(5, expect=ANY_OUTCOME)
    await lab.deliver(5)


@STALE
async def test_postgres_killed_as_it_answers_a_commit(lab: Lab) -> None:
    """PostgreSQL is killed as it answers a COMMIT. What it has committed is there after its recovery."""
    async with lab.inject(server.crash(postgres, at=postgres.answered("COMMIT"))):
        await lab.deliver()
    await lab.deliver(5)


@nightly("PostgreSQL has to recover")
@proves("ack.after_commit", fails="acknowledged_is_stored")
async def test_postgres_killed_before_the_commit_arrived(lab: Lab) -> None:
    """The transaction is gone with PostgreSQL. The delivery is refused, or another try stores it."""
    async with lab.inject(server.crash(postgres, down_ms=None, at=postgres.sent("COMMIT"))):
        await lab.deliver(expect=ANY_OUTCOME)


@proves("commit.resolve", fails="outcome", match="unknown")
async def test_postgres_killed_with_the_answer_to_a_commit(lab: Lab) -> None:
    """PostgreSQL commits, and dies with its answer. The service asks after the recovery, and acknowledges."""
    lost = wire.drop(postgres.answered("COMMIT"))
    async with lab.inject(lost, server.crash(postgres, at=lost.fired())):
        await lab.deliver()


@pytest.mark.parametrize("how", ["orderly", "immediate"])
@proves("insert.idempotent", fails="stored_once")
async def test_redis_restarted_empty(lab: Lab, how: Literal["orderly", "immediate"]) -> None:
    """Redis has forgotten every delivery. PostgreSQL recognises the repeats."""
    await lab.deliver(3)
    async with lab.inject(server.restart(redis, how=how)):
        pass
    await lab.deliver(3)


@STALE
async def test_a_backend_of_postgres_crashes(lab: Lab) -> None:
    """PostgreSQL ends every session and recovers. The service opens new ones, and no delivery fails."""
    await lab.deliver(5)
    async with lab.inject(server.crash_backend(postgres)):
        pass
    await lab.deliver(5)


@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}TooManyConnectionsError")
async def test_no_session_left_at_postgres(lab: Lab) -> None:
    """PostgreSQL accepts no session of the service's role (53300). The service refuses until it does."""
    async with lab.inject(link.cut(postgres), server.limit_connections(postgres, 0)):
        await lab.deliver(5, expect=REFUSED)
    await lab.deliver(5)


@nightly("a role without a session left tests most of it")
@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}TooManyConnectionsError")
async def test_no_session_left_in_the_database(lab: Lab) -> None:
    """All roles share the database's limit, which is reached. Open sessions go on, and new ones are rejected."""
    async with lab.inject(server.limit_connections(postgres, 0, of="database")):
        await lab.deliver()
        async with lab.inject(link.cut(postgres)):
            await lab.deliver(5, expect=REFUSED)
    await lab.deliver(5)


@nightly("it opens as many sessions as PostgreSQL has slots, and a limit of the role has the same answer")
@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}TooManyConnectionsError")
async def test_somebody_else_takes_the_slots_of_postgres(lab: Lab) -> None:
    """Another role's sessions fill PostgreSQL (53300). The service refuses, and recovers when they are gone."""
    async with lab.inject(link.cut(postgres), server.take_connections(postgres)):
        await lab.deliver(5, expect=REFUSED)
    await lab.deliver(5)


@nightly("failover_with_the_answer_to_a_commit tests most of it")
@STALE
async def test_failover_as_postgres_answers_a_commit(lab: Lab) -> None:
    """The primary is killed, and its synchronous standby promoted. All that was acknowledged is there."""
    async with lab.inject(server.promote(postgres, at=postgres.answered("COMMIT"))):
        await lab.deliver()
    await lab.deliver(5)


@proves("commit.resolve", fails="outcome", match="unknown")
async def test_failover_with_the_answer_to_a_commit(lab: Lab) -> None:
    """The primary commits, and dies with its answer. The service asks the new primary, and acknowledges."""
    lost = wire.drop(postgres.answered("COMMIT"))
    async with lab.inject(lost, server.promote(postgres, at=lost.fired())):
        await lab.deliver()


@proves("commit.resolve", fails="outcome", match="unknown")
async def test_failover_while_a_commit_waits_for_the_standby(lab: Lab) -> None:
    """Only the old primary has committed. The service asks the new one, and acknowledges what that one has."""
    async with lab.inject(server.promote(postgres, standby="stuck", at=postgres.waiting("COMMIT"))):
        await lab.deliver()


IMPATIENT = (
    "WEBHOOK_STATEMENT_TIMEOUT_S=0.4", "WEBHOOK_SERVER_STATEMENT_TIMEOUT_S=0.3", "WEBHOOK_REQUEST_TIMEOUT_S=1",
)  # fmt: skip
LESS_IMPATIENT = (  # a COMMIT waits for so long that a busy harness sees it
    "WEBHOOK_STATEMENT_TIMEOUT_S=0.8", "WEBHOOK_SERVER_STATEMENT_TIMEOUT_S=0.3", "WEBHOOK_REQUEST_TIMEOUT_S=1.6",
)  # fmt: skip
OF_THOSE_THAT_WAIT = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@nightly("it waits for the service's limits, as two others of a standby do")
@proves("deadline.request", without=("deadline.statement",), fails="in_time", match=WAITS_FOR_POSTGRES)
async def test_standby_lost(lab: Lab) -> None:
    """PostgreSQL answers no COMMIT until it gives the standby up. The service says in time that it does not know."""
    await lab.restart(*IMPATIENT)
    async with lab.inject(server.lose_standby(postgres)):
        await lab.deliver(2, expect=UNKNOWN)
    await lab.deliver(2)


@pytest.mark.parametrize("by", ["cancel", *at_night("the same, and the session ends", "terminate")])
@proves("commit.replicated", fails="acknowledged_is_stored")
async def test_commit_gave_up_waiting_for_the_standby(lab: Lab, by: str) -> None:
    """Only the old primary has the row, and shows it. The service does not acknowledge it; a failover loses it."""
    await lab.restart(*LESS_IMPATIENT)
    over = server.promote(postgres, standby="stuck", at=service.answers(at_least=2))
    gave_up = server.execute(
        postgres, f"SELECT pg_{by}_backend(pid) {OF_THOSE_THAT_WAIT}", at=postgres.waiting("COMMIT")
    )
    async with lab.inject(over, gave_up):
        await lab.deliver(expect=UNKNOWN)
        await lab.request("again", of=0, expect=UNKNOWN)
        await lab.until(over.fired())
    await lab.deliver()


@nightly("it waits for the service's limits, as two others of a standby do")
@proves("ack.after_commit", fails="acknowledged_is_stored")
async def test_split_brain(lab: Lab) -> None:
    """The old primary lives on, and waits for the standby that was promoted. So it acknowledges nothing any more."""
    await lab.restart(*IMPATIENT)
    await lab.deliver(5)
    async with lab.inject(server.switch_over(postgres)):
        await lab.deliver(2, expect=ANY_OUTCOME)
    await lab.deliver(5)


@STALE
async def test_split_brain_with_a_standby_that_was_behind(lab: Lab) -> None:
    """The old primary goes on acknowledging deliveries that are lost with it. The harness counts them."""
    await lab.deliver(5)
    async with lab.inject(server.switch_over(postgres, standby="asynchronous")):
        await lab.deliver(2)
    await lab.deliver(5)
    lab.expect(service.rows_lost, at_least=1, at_most=2)


@proves("pool.leave_read_only", without=("retry.database",), fails="outcome", match="got refused, status 503")
async def test_pool_full_of_an_old_primary_that_only_reads(lab: Lab) -> None:
    """Pooled connections lead to the old primary, new ones to the new one. At most one delivery is refused."""
    await lab.inject(lock := server.lock(postgres, "deliveries"))
    async with lab.deliver(5):
        await lab.until(postgres.waiting("INSERT", at_least=5))
        await lab.heal(lock)
    async with lab.inject(server.switch_over(postgres, old="read_only")):
        await lab.deliver(expect=ACKNOWLEDGED | REFUSED)
        await lab.deliver(5)
    lab.expect(service.metric("webhook_retries_total"), at_most=3)  # one, but on a busy machine a connect is repeated


@nightly("it promotes twice")
@STALE
async def test_failback_to_the_old_primary(lab: Lab) -> None:
    """The old primary is rewound, follows the new one and takes over again. All that was acknowledged is there."""
    async with lab.inject(server.promote(postgres, standby="stuck", at=postgres.waiting("COMMIT"), fail_back=True)):
        await lab.deliver(3)
    await lab.deliver(5)


@proves("commit.resolve", fails="outcome", match="unknown")
async def test_managed_failover(lab: Lab) -> None:
    """The primary is stopped (57P01) before a COMMIT reaches it. The service asks the new one, and acknowledges."""
    async with lab.inject(server.promote(postgres, primary="stopped", at=postgres.sent("COMMIT"))):
        await lab.deliver()
    await lab.deliver(5)


NO_WRITES = "ALTER DATABASE %I SET default_transaction_read_only = on"
WRITES = "ALTER DATABASE %I RESET default_transaction_read_only"


@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}ReadOnlySQLTransactionError")
async def test_postgres_takes_no_writes(lab: Lab) -> None:
    """New sessions can only read, as on a standby. Deliveries are refused, and stored ones can be read."""
    await lab.deliver()
    only_read = server.execute(postgres, _in_this_database(NO_WRITES), undo=_in_this_database(WRITES))
    async with lab.inject(only_read, link.cut(postgres)):
        await lab.deliver(expect=REFUSED)
        await lab.request("delivery", of=0, expect=ACKNOWLEDGED)


def _in_this_database(statement: str) -> str:
    return f"BEGIN READ WRITE; DO $$BEGIN EXECUTE format('{statement}', current_database()); END$$; COMMIT"


@proves("pool.pre_ping", without=("retry.database",), fails="outcome", match=CLOSED)
async def test_failover_to_a_standby_that_was_behind(lab: Lab) -> None:
    """Deliveries that the asynchronous standby lacks are lost, and counted. Sent again, they are stored."""
    over = server.promote(postgres, standby="asynchronous", at=service.answers(at_least=5))
    async with lab.inject(over):
        await lab.deliver(5)
        await lab.until(over.fired())
    await lab.deliver(5)
    lab.expect(service.rows_lost, at_least=5, at_most=5)


@proves("redis.leave_read_only", fails="figure", match="ReadOnlyError")
async def test_redis_fails_over(lab: Lab) -> None:
    """Redis is demoted and takes no writes (READONLY). Once one connection meets that, no other one has to."""
    await lab.deliver(5)
    async with lab.inject(server.demote(redis)):
        for _ in range(6):
            await lab.deliver()
    lab.expect(service.lines('"event": "redis_failed".*ReadOnlyError'), at_most=1)
    lab.expect(service.lines('"event": "redis_failed"'), at_least=1)  # on a busy machine Redis' 50 ms can be over first


@nightly("each of both is tested alone")
@proves("commit.resolve", fails="outcome", match="unknown")
async def test_redis_dies_while_postgres_fails_over(lab: Lab) -> None:
    """A COMMIT's answer is lost, and both servers die. The service asks the new primary, and waits for no Redis."""
    lost = wire.drop(postgres.answered("COMMIT"))
    both = server.crash(redis, down_ms=None, at=lost.fired()), server.promote(postgres, at=lost.fired())
    async with lab.inject(lost, *both):
        await lab.deliver()
        await lab.deliver(5)


SENTINEL = Redis("sentinel")
ASKS_SENTINEL = (
    "WEBHOOK_REDIS_SENTINELS={sentinel.host}:{sentinel.port}",
    "WEBHOOK_REDIS_SENTINEL_NAME=cache",
    "WEBHOOK_REDIS_OPERATION_TIMEOUT_S=2",
    "WEBHOOK_BREAKER_OPEN_S=0.2",
)


@proves("redis.found", fails="figure", match="webhook_degraded_total")
async def test_sentinel_promotes_the_replica(lab: Lab) -> None:
    """Redis is killed under traffic, and Sentinel promotes its replica. Deliveries go on, and the replica is used."""
    killed = server.fail_over(SENTINEL, how="killed")
    async with lab.inject(server.sentinel(SENTINEL)):
        await lab.restart(*ASKS_SENTINEL)
        async with lab.traffic(clients=2):
            await lab.inject(killed)
        await lab.wait(0.3, because="Redis is left alone for a fifth of a second")
        await lab.deliver()
        async with lab.limits(service.metric("webhook_degraded_total"), at_most=0):
            await lab.deliver(5)
        await lab.heal(killed)


@proves("redis.found", fails="figure", match="webhook_degraded_total")
async def test_one_of_two_sentinels_is_silent(lab: Lab) -> None:
    """The first Sentinel of the list is silent. The service asks the next one in time. `REDIS_URL` leads nowhere.

    The service logs in to Redis as a user that no Sentinel knows.
    """
    silent = link.swallow(Postgres("replica"))  # any line will do that nothing else uses
    await lab.inject(server.execute(redis, "ACL SETUSER shop on >for-this-run ~* +@all", undo="ACL DELUSER shop"))
    async with lab.inject(server.sentinel(SENTINEL), silent):
        await lab.restart(
            *ASKS_SENTINEL[1:],
            "WEBHOOK_REDIS_SENTINELS={replica.host}:{replica.port},{sentinel.host}:{sentinel.port}",
            "REDIS_URL=redis://shop:for-this-run@127.0.0.1:1/{redis.database}",
        )
        async with lab.limits(service.metric("webhook_degraded_total"), at_most=0):
            await lab.deliver()
            await lab.deliver(5)


@nightly("differs by what becomes of the former primary")
@proves("redis.found", fails="figure", match="ReadOnlyError|webhook_degraded_total")
async def test_operator_has_sentinel_fail_over(lab: Lab) -> None:
    """Sentinel demotes Redis and ends its clients' connections. All clients find the promoted one."""
    async with lab.inject(server.sentinel(SENTINEL)):
        await lab.restart(*ASKS_SENTINEL)
        await lab.deliver(5)
        async with (
            lab.inject(server.fail_over(SENTINEL, how="asked")),
            lab.limits(service.metric("webhook_degraded_total"), at_most=0),
        ):
            await lab.deliver(5)


@nightly("differs by what becomes of the former primary")
@proves("insert.idempotent", fails="stored_once")
async def test_sentinel_does_not_see_the_primary(lab: Lab) -> None:
    """A client goes on writing to a Redis that was replaced. Those keys are lost, and no delivery is doubled."""
    async with lab.inject(server.sentinel(SENTINEL)):
        await lab.restart(*ASKS_SENTINEL)
        await lab.deliver(5)
        async with lab.inject(server.fail_over(SENTINEL, how="cut_off")):
            await lab.deliver(5)
