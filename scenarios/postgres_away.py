"""PostgreSQL is slow, or is not there at all."""

import pytest

from harness import ABSENT, ACKNOWLEDGED, REFUSED, Lab, Link, Outcome, link, nightly, postgres, proves, redis, wire
from scenarios.words import REFUSED_CONNECT, UNHANDLED, WAITS_FOR_POSTGRES

TOO_EAGER = proves("deadline.statement:eager", fails="outcome", match="refused")
TOO_PATIENT = proves(
    "deadline.statement", without=("deadline.request", "retry.database"), fails="in_time", match=WAITS_FOR_POSTGRES
)
AT_START = proves("start.degraded", fails="alive", match=REFUSED_CONNECT)
NOT_CAUGHT = proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}({REFUSED_CONNECT})")


@pytest.mark.parametrize(
    ("latency_ms", "expect"),
    [
        pytest.param(200, ACKNOWLEDGED, marks=TOO_EAGER, id="within-deadline"),
        pytest.param(
            30_000, REFUSED, marks=[TOO_PATIENT, nightly("waits for a deadline of a request")], id="beyond-deadline"
        ),
    ],
)
async def test_postgres_slow(lab: Lab, latency_ms: int, expect: Outcome) -> None:
    """The service waits for a slow PostgreSQL, and refuses in time when it is too slow."""
    async with lab.inject(link.latency(postgres, latency_ms=latency_ms)):
        await lab.deliver(5, expect=expect)


@pytest.mark.parametrize(
    "at_start",
    [pytest.param(True, marks=AT_START, id="at-start"), pytest.param(False, marks=NOT_CAUGHT, id="later")],
)
async def test_postgres_refused(lab: Lab, at_start: bool) -> None:
    """Without PostgreSQL the service is up, and refuses. It recovers without being restarted."""
    async with lab.inject(link.down(postgres)):
        if at_start:
            await lab.restart()
        await lab.deliver(5, expect=REFUSED)


@pytest.mark.parametrize(
    ("first", "last"),
    [(redis, postgres), pytest.param(postgres, redis, marks=nightly("the other order tests most of it"))],
)
@NOT_CAUGHT
async def test_both_down_healed_in_either_order(lab: Lab, first: Link, last: Link) -> None:
    """Both servers go. With one back, the service does what that one allows; with both, all is well."""
    async with lab.inject(link.down(last)):
        async with lab.inject(link.down(first)):
            await lab.deliver(5, expect=REFUSED)
        await lab.deliver(5, expect=ACKNOWLEDGED if first is postgres else REFUSED)


@proves("deadline.request", fails="in_time", match=WAITS_FOR_POSTGRES)
async def test_postgres_slow_and_turning_transactions_back(lab: Lab) -> None:
    """No statement is late, and transactions are turned back. Retries still come to an end, and so do reads."""
    await lab.inject(link.cut(postgres))
    await lab.deliver(5)  # over new connections: none has prepared a read's statement yet, so it takes longest
    async with (
        lab.inject(link.latency(postgres, latency_ms=1_300), wire.fail(postgres.sent("INSERT"), code="40001")),
        lab.deliver(expect=REFUSED),
    ):
        await lab.request("delivery", of=None, expect=ABSENT | REFUSED)
