"""Group commit: deliveries that come together are stored by one transaction, and share none of each other's trouble."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from harness import (
    ACKNOWLEDGED,
    CONFLICT,
    REFUSED,
    UNKNOWN,
    Lab,
    nightly,
    postgres,
    process,
    proves,
    redis,
    server,
    service,
    wire,
)
from scenarios.words import GROUPED, UNHANDLED

STORED_TWICE = proves("insert.idempotent", fails="stored_once")
ALL_OF_THEM = "5 of .*unknown"
# NOT VALID: the contract's own requests may have stored a long id before.
NO_LONG_IDS = server.execute(
    postgres,
    "ALTER TABLE deliveries ADD CONSTRAINT short CHECK (length(id) < 100) NOT VALID",
    undo="ALTER TABLE deliveries DROP CONSTRAINT IF EXISTS short",
)


@asynccontextmanager
async def batch(lab: Lab, *requests: Any, of: int = 5, apart_s: float = 0) -> AsyncIterator[None]:
    """Hold the answer to another delivery's COMMIT until `of` requests wait behind it. They become transaction 2."""
    first = wire.hold(postgres.answered("COMMIT", nth=1))
    await lab.inject(first)
    async with lab.deliver(), AsyncExitStack() as sent:
        await lab.until(first.fired())
        for number, each in enumerate(requests):
            if number and apart_s:
                await lab.wait(apart_s, because="so much later is the deadline of those that come then")
            await sent.enter_async_context(each)
        await lab.until(redis.answered("SET", nth=1 + of))
        if of > 5:  # copies, all but one of which Redis knows
            await lab.until(postgres.answered("SELECT", nth=of - 5))
        await lab.request("alive")  # it is answered once they wait
        await lab.heal(first)
        yield


@proves("commit.resolve", fails="outcome", match=ALL_OF_THEM)
async def test_batch_commit_cut(lab: Lab) -> None:
    """The connection breaks under the COMMIT of five deliveries. The service asks for each, and acknowledges it."""
    await lab.restart(*GROUPED)
    async with (
        lab.limits(service.metric("webhook_commits_resolved_total"), at_least=5, at_most=5),
        lab.limits(service.metric("webhook_batched_total"), at_most=0),  # whoever asks goes alone
        lab.inject(wire.cut(postgres.sent("COMMIT", nth=2))),
        batch(lab, lab.deliver(5)),
    ):
        pass


@nightly("as batch_commit_cut, but the rows are there")
@STORED_TWICE
@proves("commit.resolve", fails="outcome", match=ALL_OF_THEM)
async def test_batch_commit_answer_lost(lab: Lab) -> None:
    """PostgreSQL commits five deliveries, and its answer is lost. Each is stored once and acknowledged."""
    await lab.restart(*GROUPED)
    async with lab.inject(wire.cut(postgres.answered("COMMIT", nth=2))), batch(lab, lab.deliver(5)):
        pass


@proves("group.splits", fails="outcome", match="4 of .*refused")
async def test_batch_has_a_row_that_is_refused(lab: Lab) -> None:
    """PostgreSQL rejects a batch of five because of one delivery. The other four are stored without a retry."""
    await lab.restart(*GROUPED)
    async with (
        lab.limits(service.metric("webhook_batch_splits_total"), at_least=1, at_most=1),
        lab.limits(service.metric("webhook_retries_total"), at_most=0),
        lab.inject(NO_LONG_IDS),
        batch(lab, lab.deliver(4), lab.request("long_id", of=None, expect=REFUSED)),
    ):
        pass
    lab.expect(service.lines('"event": "batch_split".*"rows": 5'), at_least=1, at_most=1)


@STORED_TWICE
async def test_batch_of_repeats_and_new_ones(lab: Lab) -> None:
    """Redis has forgotten a repeat and a conflict. One batch has both, new deliveries, and one of three copies."""
    await lab.restart(*GROUPED)
    await lab.deliver(2)
    await lab.inject(server.flush(redis))
    async with (
        lab.limits(service.metric("webhook_batched_total"), at_least=5, at_most=5),
        lab.limits(service.metric("webhook_batches_total"), at_least=1, at_most=1),
        lab.limits(service.metric("webhook_pool_waits_total"), at_least=5),
        batch(
            lab,
            lab.request("again", of=0, expect=ACKNOWLEDGED),
            lab.request("taken", of=1, expect=CONFLICT),
            lab.deliver(copies=3),
            lab.deliver(2),
            of=7,
        ),
    ):
        pass


@STORED_TWICE
async def test_batch_has_an_id_of_two_sources(lab: Lab) -> None:
    """Two sources use the same ids, which Redis has forgotten. One batch has a new delivery and three repeats."""
    await lab.restart(*GROUPED)
    await lab.deliver(2)
    await lab.request("neighbour", of=1, expect=ACKNOWLEDGED)
    await lab.inject(server.flush(redis))
    async with (
        lab.limits(service.metric("webhook_batched_total"), at_least=4),
        lab.limits(service.metric("webhook_batches_total"), at_most=1),
        batch(
            lab,
            lab.request("again", of=0, expect=ACKNOWLEDGED),
            lab.request("neighbour", of=0, expect=ACKNOWLEDGED),
            lab.request("again", of=1, expect=ACKNOWLEDGED),
            lab.request("neighbour", of=1, expect=ACKNOWLEDGED),
            of=4,
        ),
    ):
        pass


@proves("errors.refuse", fails="log_clean", match=UNHANDLED)
async def test_one_of_a_batch_is_in_doubt(lab: Lab) -> None:
    """Five deliveries are stored, and the answer is lost. Asking for one of them fails: that one is unknown."""
    await lab.restart(*GROUPED)
    asked = postgres.sent("INSERT INTO deliveries (source, id, sha256, body) VALUES", having="-=+:~_ABC")
    async with (
        lab.limits(service.metric("webhook_commits_resolved_total"), at_least=4, at_most=4),
        lab.inject(wire.cut(postgres.answered("COMMIT", nth=2)), wire.fail(asked, code="42501")),
        batch(lab, lab.deliver(4), lab.request("long_id", of=None, expect=UNKNOWN)),
    ):
        pass


@proves("retry.database", fails="outcome", match="4 of .*refused")
async def test_client_hangs_up_in_mid_batch(lab: Lab) -> None:
    """One of five clients hangs up before the batch's INSERT is cut. The other four deliveries are acknowledged."""
    await lab.restart(*GROUPED)
    await lab.inject(wire.cut(postgres.answered("INSERT", nth=2)))
    async with batch(lab, lab.deliver(hang_up_at=postgres.sent("INSERT"), expect=UNKNOWN), lab.deliver(4)):
        pass  # the batch's INSERT is held until it is gone


@STORED_TWICE
async def test_repeat_waits_for_a_retry(lab: Lab) -> None:
    """A delivery is retried alone. Its repeat waits until that try has ended."""
    await lab.restart(*GROUPED)
    retried = wire.hold(postgres.sent("COMMIT", nth=1))
    await lab.inject(wire.cut(postgres.answered("INSERT", nth=1)), retried)
    async with lab.deliver():
        await lab.until(retried.fired())
        async with lab.request("again", of=0, expect=ACKNOWLEDGED):
            await lab.until(postgres.answered("SELECT", nth=1))  # it is not there yet
            await lab.request("alive")  # which is answered once the repeat waits
            await lab.heal(retried)


@proves("retry.database:two_tries", fails="outcome", match="SerializationError")
async def test_retry_after_a_retry_gets_its_turn(lab: Lab) -> None:
    """With two connections one retry runs at a time. The first one fails, and the second one stores the delivery."""
    await lab.restart(*GROUPED, "WEBHOOK_POOL_SIZE=2", "WEBHOOK_POOL_MAX_OVERFLOW=0")
    async with lab.inject(*(wire.fail(postgres.sent("INSERT", nth=n), code="40001") for n in (1, 2))):
        await lab.deliver()


@nightly("waits for the time that one may wait for a turn")
@STORED_TWICE
async def test_retry_takes_longer_than_a_turn_may(lab: Lab) -> None:
    """A retry takes longer than a delivery may wait for its turn. It already had its turn, and is stored once."""
    await lab.restart(*GROUPED, "WEBHOOK_POOL_TIMEOUT_S=0.5")
    retried = wire.hold(postgres.answered("COMMIT", nth=1))
    async with (
        lab.limits(service.metric("webhook_commits_resolved_total"), at_most=0),
        lab.inject(wire.cut(postgres.answered("INSERT", nth=1)), retried),
        lab.deliver(),
    ):
        await lab.until(retried.fired())
        await lab.wait(0.8, because="a turn is waited for no longer than half a second")
        await lab.heal(retried)
    async with lab.inject(server.flush(redis)):
        await lab.request("again", of=0, expect=ACKNOWLEDGED)


@nightly("waits until what has ended could be taken for slow")
@proves("commit.resolve", fails="outcome", match="3 of .*unknown")
async def test_quick_transactions_leave_no_trace(lab: Lab) -> None:
    """Six quick transactions ended long ago, a slow one just now. Later deliveries share one, as before."""
    await lab.restart(*GROUPED, "WEBHOOK_GROUP_QUICK_S=1.5")
    for _ in range(6):
        await lab.deliver()
    slow = wire.hold(postgres.answered("COMMIT", nth=1))
    await lab.inject(slow)
    async with lab.deliver():
        await lab.until(slow.fired())
        await lab.wait(1.7, because="what is under way is taken for slow after a second and a half")
        await lab.heal(slow)
    commit = wire.hold(postgres.answered("COMMIT", nth=1))
    async with (
        lab.limits(service.metric("webhook_commits_resolved_total"), at_least=2),
        lab.inject(commit, wire.cut(postgres.sent("COMMIT", nth=2))),
        lab.deliver(),
    ):
        await lab.until(commit.fired())
        async with lab.deliver(3):
            await lab.until(redis.answered("SET", nth=4))
            await lab.request("alive")
            await lab.heal(commit)


@nightly("waits for a deadline of a request")
@proves("errors.refuse", fails="log_clean", match=UNHANDLED)
async def test_deadline_while_one_waits_for_a_turn(lab: Lab) -> None:
    """Three deliveries run out of time while they wait for another one's COMMIT. None of them stays in the queue."""
    alone_at_redis = "WEBHOOK_GROUP_REDIS_QUICK_S=0.001"
    await lab.restart(*GROUPED, alone_at_redis, "WEBHOOK_REQUEST_TIMEOUT_S=4", "WEBHOOK_REDIS_OPERATION_TIMEOUT_S=3")
    late = [wire.hold(redis.answered("SET", nth=n)) for n in (1, 2, 3)]
    commit = wire.hold(postgres.answered("COMMIT"))
    await lab.inject(*late, commit)
    async with AsyncExitStack() as sent:
        for each in late:
            await sent.enter_async_context(lab.deliver(expect=REFUSED))
            await lab.until(each.fired())
        await lab.wait(1.8, because="so much earlier than that of the one they wait for is their deadline")
        async with lab.deliver():
            await lab.until(commit.fired())
            await lab.heal(*late)
            await lab.until(service.answers(at_least=3))
            await lab.heal(commit)
    await lab.until(service.metric_is("webhook_pool_waiting", at_most=0))


@nightly("waits for a deadline of a request")
@proves("errors.refuse", fails="log_clean", match=UNHANDLED)
async def test_deadline_in_mid_batch(lab: Lab) -> None:
    """One of five deliveries runs out of time during their INSERT. The others are stored, and perhaps its row, too."""
    await lab.restart(*GROUPED, "WEBHOOK_REQUEST_TIMEOUT_S=4", "WEBHOOK_DEADLINE_STATEMENT=off")
    insert = wire.hold(postgres.sent("INSERT", nth=2))
    await lab.inject(insert)
    async with batch(lab, lab.deliver(expect=UNKNOWN), lab.deliver(4), apart_s=2):
        await lab.until(service.answers(at_least=2))  # the first one's, and that of the one whose time is over
        await lab.heal(insert)


@nightly("waits for a deadline of a request")
@proves("errors.refuse", fails="log_clean", match=UNHANDLED)
async def test_batch_commit_lost_then_silence(lab: Lab) -> None:
    """A batch is stored, and the answer is lost. Asking for the five gets no answer, so each is unknown."""
    await lab.restart(*GROUPED, "WEBHOOK_REQUEST_TIMEOUT_S=4", "WEBHOOK_DEADLINE_STATEMENT=off")
    asked = [wire.stall(postgres.sent("INSERT", nth=nth)) for nth in range(3, 8)]
    async with (
        lab.inject(wire.cut(postgres.answered("COMMIT", nth=2)), *asked),
        batch(lab, lab.deliver(5, expect=UNKNOWN)),
    ):
        pass


@nightly("as batch_commit_cut, with a smaller batch")
@proves("commit.resolve", fails="outcome", match="2 of .*unknown")
async def test_batches_are_bounded(lab: Lab) -> None:
    """Five deliveries wait, and a batch has two at most. When its COMMIT is cut, only two are in doubt."""
    await lab.restart(*GROUPED, "WEBHOOK_GROUP_ROWS_MAX=2")
    async with (
        lab.limits(service.metric("webhook_commits_resolved_total"), at_least=2, at_most=2),
        lab.inject(wire.cut(postgres.sent("COMMIT", nth=2))),
        batch(lab, lab.deliver(5)),
    ):
        pass


@proves("load.shed", fails="figure", match="webhook_shed_total")
async def test_queue_for_the_next_batch_is_full(lab: Lab) -> None:
    """Two deliveries, a whole batch, wait for a COMMIT, and no more may. Three are refused at once, and counted."""
    await lab.restart(*GROUPED, "WEBHOOK_SHED_WAITING_MAX=0", "WEBHOOK_GROUP_ROWS_MAX=2")
    commit = wire.hold(postgres.answered("COMMIT", nth=1))
    await lab.inject(commit)
    async with lab.deliver():
        await lab.until(commit.fired())
        async with lab.deliver(2):
            await lab.until(redis.answered("SET", nth=3))
            await lab.request("alive")  # it is answered once they wait
            async with lab.limits(service.metric("webhook_shed_total"), at_least=3, at_most=3):
                await lab.deliver(3, expect=REFUSED)
            await lab.heal(commit)


@proves("errors.refuse", fails="outcome", match="status 500")
async def test_slow_transactions_leave_connections_to_others(lab: Lab) -> None:
    """Each transaction of the group is slow. Together they take half of the connections. A read gets another one."""
    limits = ("WEBHOOK_POOL_SIZE=4", "WEBHOOK_POOL_MAX_OVERFLOW=0", "WEBHOOK_POOL_TIMEOUT_S=0.3")
    await lab.restart("WEBHOOK_COMMIT_GROUP=on", "WEBHOOK_GROUP_QUICK_S=0.01", "WEBHOOK_GROUP_ROWS_MAX=1", *limits)
    await lab.deliver()
    hold = server.hold_commits(postgres, "deliveries")
    await lab.inject(hold)
    async with lab.deliver(6, expect=ACKNOWLEDGED | REFUSED, slower_ms_max=3_000):
        await lab.until(postgres.waiting("COMMIT", at_least=2))
        await lab.wait(0.5, because="without a limit another two would have begun, each 10 ms after the one before")
        await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
        await lab.heal(hold)


@nightly("waits for a deadline of a statement")
@proves("commit.resolve", fails="outcome", match="unknown")
async def test_transaction_hangs(lab: Lab) -> None:
    """PostgreSQL does not answer a COMMIT. Later deliveries do not wait for it, though there is one committer."""
    await lab.restart(*GROUPED, "WEBHOOK_GROUP_QUICK_S=0.1", "WEBHOOK_REQUEST_TIMEOUT_S=9", "WEBHOOK_DRAIN_GRACE_S=9")
    silent = wire.stall(postgres.answered("COMMIT", nth=1))
    await lab.inject(silent)
    async with lab.deliver():
        await lab.until(silent.fired())
        await lab.deliver(5, slower_ms_max=2_500)


@nightly("as service_killed_around_commit")
@STORED_TWICE
async def test_service_killed_in_mid_batch(lab: Lab) -> None:
    """SIGKILL while the answer to five deliveries' COMMIT is on the wire. Sent again, each is stored once."""
    await lab.restart(*GROUPED)
    async with (
        lab.inject(process.kill(at=postgres.answered("COMMIT", nth=2))),
        batch(lab, lab.deliver(5, expect=UNKNOWN)),
    ):
        await lab.inject(server.flush(redis))


@nightly("PostgreSQL has to recover")
@proves("retry.database", fails="outcome", match="refused")
async def test_postgres_crashes_in_mid_batch(lab: Lab) -> None:
    """PostgreSQL crashes at the INSERT of five deliveries and comes back. Each is retried, and stored once."""
    await lab.restart(*GROUPED, "WEBHOOK_RETRY_ATTEMPTS=10")
    async with (
        lab.inject(server.restart(postgres, how="immediate", at=postgres.sent("INSERT", nth=2))),
        batch(lab, lab.deliver(5)),
    ):
        pass


@proves("drain.sigterm", fails="outcome", match="unknown")
async def test_sigterm_drains_a_batch(lab: Lab) -> None:
    """SIGTERM while five deliveries share one COMMIT. Each is answered, and the exit status is 0."""
    await lab.restart(*GROUPED)
    commit = wire.hold(postgres.answered("COMMIT", nth=2))
    await lab.inject(commit)
    async with batch(lab, lab.deliver(5)):
        await lab.until(commit.fired())
        async with lab.inject(process.terminate()):
            await lab.wait(0.3, because="a service that does not wait for what it took would be gone by then")
            await lab.heal(commit)
