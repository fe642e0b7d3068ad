"""The whole contract while something is broken: reads, repeats, other senders, wrong requests, health."""

import pytest

from harness import (
    ACKNOWLEDGED,
    REFUSED,
    UNKNOWN,
    Fault,
    Lab,
    Outcome,
    link,
    nightly,
    postgres,
    proves,
    redis,
    service,
    syscall,
    wire,
)
from scenarios.words import ERROR_22, UNHANDLED

NO_REFUSAL = proves("errors.refuse", fails="log_clean", match=UNHANDLED)
NO_FAIL_OPEN = proves("redis.fail_open", fails="outcome", match=f"redis.exceptions|TimeoutError|{ERROR_22}")


@pytest.mark.parametrize(
    ("faults", "expect"),
    [
        pytest.param([link.down(postgres)], REFUSED, marks=NO_REFUSAL, id="postgres-down"),
        pytest.param(
            [link.swallow(postgres)], REFUSED,
            marks=[NO_REFUSAL, nightly("waits for two deadlines of a request")], id="postgres-silent",
        ),
        pytest.param(
            [wire.fail(postgres.sent("SELECT"), code="57014", always=True)], ACKNOWLEDGED,
            marks=NO_REFUSAL, id="look-ups-fail",
        ),
        pytest.param(
            [wire.fail(postgres.sent("INSERT"), code="40001", always=True)], REFUSED,
            marks=NO_REFUSAL, id="inserts-fail",
        ),
        pytest.param(
            [syscall.connect(postgres, errno="EINVAL"), link.cut(postgres)], REFUSED,
            marks=NO_REFUSAL, id="no-new-connection",
        ),
        pytest.param([link.down(redis)], ACKNOWLEDGED, marks=NO_FAIL_OPEN, id="redis-down"),
        pytest.param([link.swallow(redis)], ACKNOWLEDGED, marks=NO_FAIL_OPEN, id="redis-silent"),
        pytest.param(
            [wire.fail(redis.sent("SET"), code="OOM", always=True)], ACKNOWLEDGED,
            marks=[NO_FAIL_OPEN, nightly("Redis that is down tests most of it")], id="redis-full",
        ),
    ],
)  # fmt: skip
async def test_contract_while_broken(lab: Lab, faults: list[Fault], expect: Outcome) -> None:
    """Whatever is broken, and whatever the service is asked, none of its answers is false."""
    async with lab.inject(*faults):
        await lab.deliver(expect=expect)
        await lab.contract()


@proves("redis.fail_open", fails="outcome", match=f"redis.exceptions|TimeoutError|{ERROR_22}")
async def test_whole_contract(lab: Lab) -> None:
    """Each request of the contract is answered as it should be, all of them in one run."""
    await lab.contract()
    async with lab.inject(link.down(redis)):
        await lab.deliver()


@proves("errors.refuse", fails="outcome", match=UNHANDLED)
async def test_refused_then_sent_again(lab: Lab) -> None:
    """A delivery is refused twice while PostgreSQL is away, and stored once it is back: Redis cannot vouch."""
    async with lab.inject(link.down(postgres)):
        await lab.deliver(expect=REFUSED)
        await lab.request("again", expect=REFUSED)
    await lab.request("again", expect=ACKNOWLEDGED)
    await lab.request("delivery", expect=ACKNOWLEDGED)


@proves("errors.refuse", fails="log_clean", match=UNHANDLED)
async def test_deadline_passes_in_the_commit(lab: Lab) -> None:
    """The request's time ends while its COMMIT waits for an answer: unknown, and not refused."""
    async with lab.inject(
        wire.stall(postgres.sent("INSERT", nth=1)),
        wire.stall(postgres.sent("INSERT", nth=2)),
        wire.stall(postgres.answered("COMMIT")),  # the third try, at which the request's time is over
    ):
        await lab.deliver(expect=UNKNOWN)
    lab.expect(service.metric("webhook_request_seconds_sum"), at_least=4)


@proves("redis.fail_open", fails="outcome", match="redis.exceptions")
async def test_slow_clients(lab: Lab) -> None:
    """Some clients are slow, which is allowed. Others fall silent, which has an end. Redis is away meanwhile."""
    async with lab.inject(link.down(redis)):
        await lab.deliver()
        await lab.contract(slow=True)
