"""What type checkers say of a scenario, right and wrong; mypy looks, and nothing here is run.

An error that is expected has its code beside it. mypy reports one that does not come (`warn_unused_ignores`), so that a
type that has become too wide fails the check as a wrong one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

import pytest

from harness import (
    ABSENT,
    ACKNOWLEDGED,
    ALREADY,
    ANY_OUTCOME,
    CONFLICT,
    ENDS,
    REFUSED,
    REJECTED,
    THROTTLED,
    UNKNOWN,
    Answer,
    Chaos,
    Errno,
    Fault,
    Figure,
    Http,
    Lab,
    Link,
    Message,
    Moment,
    Nats,
    Outcome,
    Postgres,
    Redis,
    Tcp,
    http,
    link,
    names,
    nats,
    needs,
    nightly,
    no_fault,
    postgres,
    process,
    proves,
    redis,
    server,
    service,
    syscall,
    tcp,
    wire,
    wrong_length,
)

# -------------------------------------------------------------------------------------------------------------- verbs


async def awaited(lab: Lab) -> None:
    assert_type(await lab.deliver(5, copies=2, expect=REFUSED | UNKNOWN), Sequence[Answer])
    assert_type(await lab.deliver(slower_ms_max=500, hang_up_at=postgres.sent("COMMIT")), Sequence[Answer])
    assert_type(await lab.arrivals(rate_per_s=9, for_s=1, patience_ms=100, retries=2), Sequence[Answer])
    await lab.capacity(clients=2)
    await lab.inject(link.down(redis), no_fault)
    await lab.heal(link.down(redis))
    await lab.until(postgres.waiting("INSERT"), within_s=3)
    await lab.restart()
    await lab.restart("SHOP_POOL=0", expect=ENDS, says="SHOP_POOL", hides="hunter2")
    await lab.request("again", expect=ACKNOWLEDGED | ALREADY | CONFLICT, within_ms=100)
    await lab.request("delivery", of=None, expect=ABSENT | REJECTED | THROTTLED)
    await lab.contract()
    lab.expect(redis.sends_per_request, at_most=3)
    answers = await lab.deliver()
    assert_type(answers[0].outcome, Outcome)
    assert_type(answers[0].status, int | None)
    assert_type(answers[0].took_ms, float)


async def entered(lab: Lab) -> None:
    async with lab.deliver(2) as answers:
        await lab.restart()
    assert_type(answers[0].outcome, Outcome)
    async with lab.traffic(clients=10, expect=ANY_OUTCOME) as nothing:
        assert_type(nothing, None)
    async with lab.inject(link.cut(postgres)) as nothing:
        assert_type(nothing, None)


async def misused(lab: Lab) -> None:
    lab.deliver()  # type: ignore[unused-awaitable]
    lab.inject(no_fault)  # type: ignore[unused-awaitable]
    lab.until(postgres.idle())  # type: ignore[unused-awaitable]
    lab.restart()  # type: ignore[unused-awaitable]
    await lab.restart(SHOP_POOL="0")  # type: ignore[call-arg]
    await lab.restart(expect=REFUSED)  # type: ignore[arg-type]
    await lab.supervised(restarts=2)  # type: ignore[misc]
    await lab.traffic(clients=1)  # type: ignore[misc]
    async with lab.heal(no_fault):  # type: ignore[attr-defined]
        pass
    async with lab.until(postgres.idle()):  # type: ignore[attr-defined]
        pass
    with lab.inject(no_fault):  # type: ignore[attr-defined]
        pass
    await lab.deliver(expect="refused")  # type: ignore[arg-type]
    await lab.deliver(expect=lambda outcome: outcome is REFUSED)  # type: ignore[arg-type]
    await lab.deliver(hang_up_at=link.cut(postgres))  # type: ignore[arg-type]
    await lab.traffic(10)  # type: ignore[misc]
    await lab.inject(postgres.idle())  # type: ignore[arg-type]
    await lab.inject("link.down")  # type: ignore[arg-type]
    await lab.heal(link.down)  # type: ignore[arg-type]
    await lab.until(link.down(redis))  # type: ignore[arg-type]
    await lab.until(redis.sends_per_request)  # type: ignore[arg-type]
    await lab.until(lambda: True)  # type: ignore[arg-type]
    lab.expect(postgres.idle(), at_most=1)  # type: ignore[arg-type]
    lab.expect(redis.sends_per_request, 3)  # type: ignore[call-arg]
    await lab.wait(3)  # type: ignore[call-arg]


# ------------------------------------------------------------------------------------------------- moments and figures


def moments() -> None:
    assert_type(postgres, Postgres)
    assert_type(redis, Redis)
    assert_type(http, Http)
    assert_type(tcp, Tcp)
    assert_type(nats, Nats)
    assert_type(nats.answered("PUB orders"), Message)
    assert_type(http.answered("POST /charges", message="Chunk"), Message)
    assert_type(tcp.sent(connection=1), Message)
    assert_type(postgres.sent("COMMIT", nth=2, connection=1), Message)
    assert_type(redis.answered("SET", having="key"), Message)
    assert_type(postgres.waiting("INSERT", at_least=2), Moment)
    assert_type(redis.logged("Ready"), Moment)
    assert_type(link.down(redis).fired(3), Moment)
    assert_type(service.answers(2, ACKNOWLEDGED | REFUSED), Moment)
    figures: list[Figure] = [
        redis.sends_per_request,
        postgres.connects_peak(within_ms=100),
        service.metric("webhook_retries_total", reason="deadlock"),
    ]
    orders: Link = Postgres("orders")
    sent: Moment = orders.sent("SELECT")
    del figures, sent


def wrong_moments() -> None:
    redis.waiting("INSERT")  # type: ignore[attr-defined]
    postgres.send("COMMIT")  # type: ignore[attr-defined]
    postgres.sent("COMMIT", 2)  # type: ignore[call-arg, arg-type]
    postgres.sent("COMMIT", nth="first")  # type: ignore[arg-type]
    postgres.sent(phase="comit")  # type: ignore[arg-type]
    postgres.connects_peak()  # type: ignore[call-arg]
    service.answers(1, "acknowledged")  # type: ignore[arg-type]
    service.metric("a_metric", reason=1)  # type: ignore[arg-type]
    _ = ACKNOWLEDGED | "refused"  # type: ignore[operator]


# -------------------------------------------------------------------------------------------------------------- faults


def faults() -> None:
    by_layer: list[Fault] = [
        link.down(redis),
        link.cut(postgres, at=postgres.waiting("INSERT")),
        link.latency(redis, latency_ms=2000, jitter_ms=10),
        wire.cut(postgres.answered("COMMIT"), after_bytes=12),
        wire.fail(postgres.sent("COMMIT"), code="40001"),
        wire.order(postgres.sent("INSERT", connection=1), postgres.sent("INSERT", connection=2)),
        server.lock(postgres, "deliveries"),
        server.hold_commits(postgres, "deliveries"),
        server.flush(redis, at=redis.sent("SET")),
        wrong_length(http.answered("POST /charges"), by=-3),
        syscall.connect(redis, errno="EINVAL"),
        process.kill(at=postgres.sent("COMMIT")),
        names.nxdomain(postgres),
        no_fault,
    ]
    errno: Errno = "ETIMEDOUT"
    del by_layer, errno


def wrong_faults(errno: str) -> None:
    # A link by its name, or by none.
    link.down("redis")  # type: ignore[arg-type]
    link.down()  # type: ignore[call-arg]
    link.down(service)  # type: ignore[arg-type]
    # A fault of a layer that has no such fault, or with another's words.
    link.crash(redis)  # type: ignore[attr-defined]
    link.latency(redis, 2000)  # type: ignore[call-arg]
    link.latency(redis, latency="2 s")  # type: ignore[call-arg]
    link.down(redis, at=postgres.sent("COMMIT"))  # type: ignore[call-arg]
    names.nxdomain("postgres")  # type: ignore[arg-type]
    # What strikes at a message takes a message: no link, and no state.
    wire.cut(postgres)  # type: ignore[arg-type]
    wire.cut(postgres.waiting("INSERT"))  # type: ignore[arg-type]
    wire.cut(postgres.sent("COMMIT"), 12)  # type: ignore[call-arg, arg-type]
    wire.hold(postgres.sent("COMMIT"), always=True)  # type: ignore[call-arg]
    wrong_length(http.answered("POST /charges"))  # type: ignore[call-arg]
    wrong_length(http, by=3)  # type: ignore[arg-type]
    # A server's fault fits its server.
    server.lock(redis, "deliveries")  # type: ignore[arg-type]
    server.flush(postgres)  # type: ignore[arg-type]
    syscall.connect(redis, errno="EBROKEN")  # type: ignore[arg-type]
    syscall.connect(redis, errno=errno)  # type: ignore[arg-type]
    syscall.connect(redis, errno=22)  # type: ignore[arg-type]
    process.kill(postgres)  # type: ignore[call-arg, arg-type]
    process.kill(at=service.metric("a_metric"))  # type: ignore[arg-type]
    # Values do not change.
    lock = server.lock(postgres, "deliveries")
    lock.table = "others"  # type: ignore[misc]


# ------------------------------------------------------------------------------------------------------------- markers


def markers() -> None:
    assert_type(proves("insert.idempotent", fails="stored_once"), pytest.MarkDecorator)
    assert_type(proves("retry.database", fails="outcome", match="closed", without=("a", "b")), pytest.MarkDecorator)
    assert_type(proves(under="incident", fails="in_time", match="waiting"), pytest.MarkDecorator)
    assert_type(needs("seccomp"), pytest.MarkDecorator)
    assert_type(nightly("waits"), pytest.MarkDecorator)


def wrong_markers() -> None:
    proves("retry.database")  # type: ignore[call-overload]
    proves("retry.database", fails="stored")  # type: ignore[call-overload]
    proves("retry.database", fails="outcome")  # type: ignore[call-overload]
    proves("retry.database", fails="outcome", match="closed", without=["a"])  # type: ignore[call-overload]


async def ordinary(chaos: Chaos) -> None:
    """In an ordinary test."""
    assert_type(chaos.postgres.url, str)
    async with chaos.inject(wire.cut(postgres.sent("COMMIT"))) as fault:
        assert_type(fault.fired, int)
    with chaos.inject(link.down(redis), wire.cut(postgres.sent("COMMIT"))) as faults:
        assert_type(faults.evidence, Sequence[str])
    await chaos.auntil(postgres.waiting("INSERT"))
    chaos.inject("link.down")  # type: ignore[arg-type]
