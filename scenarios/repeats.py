"""The same delivery, many times at once: one row, and the same answer for all."""

import pytest

from harness import (
    ACKNOWLEDGED,
    CONFLICT,
    REFUSED,
    UNKNOWN,
    Fault,
    Lab,
    link,
    nightly,
    no_fault,
    postgres,
    proves,
    redis,
    server,
    service,
    wire,
)
from scenarios.words import UNHANDLED

STORED_TWICE = proves("insert.idempotent", fails="stored_once")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(no_fault, id="redis-up"),
        pytest.param(link.down(redis), id="redis-down", marks=nightly("twenty_copies_while_redis_is_flushed runs")),
        pytest.param(server.poison(redis), id="redis-poisoned"),
    ],
)
@STORED_TWICE
async def test_twenty_copies_at_once(lab: Lab, fault: Fault) -> None:
    """One copy is in its COMMIT when the others come: one row, twenty equal answers."""
    hold = server.hold_commits(postgres, "deliveries")
    await lab.inject(fault, hold)
    async with lab.deliver(copies=20):
        await lab.until(postgres.waiting(at_least=5))
        await lab.heal(hold)
    lab.expect(service.metric("webhook_retries_total"), at_most=0)  # that a row is there is no error


@STORED_TWICE
async def test_twenty_copies_while_redis_is_flushed(lab: Lab) -> None:
    """Redis forgets everything while the first copy is in its COMMIT: PostgreSQL remembers."""
    hold = server.hold_commits(postgres, "deliveries")
    await lab.inject(hold)
    async with lab.deliver(copies=20):
        await lab.until(postgres.waiting(at_least=5))
        await lab.inject(server.flush(redis))
        await lab.heal(hold)


@STORED_TWICE
async def test_connection_breaks_when_given_back(lab: Lab) -> None:
    """A copy has looked, and its connection breaks at the ROLLBACK that ends the look. That has no effect."""
    hold = server.hold_commits(postgres, "deliveries")
    broken = wire.cut(postgres.sent("ROLLBACK"))
    await lab.inject(hold, broken)
    async with lab.deliver(copies=2):
        await lab.until(postgres.waiting("COMMIT"))
        await lab.until(broken.fired(1))
        await lab.heal(hold)
    lab.expect(service.lines('"event": "connection_not_given_back"'), at_least=1, at_most=1)


@STORED_TWICE
async def test_two_copies_interleaved(lab: Lab) -> None:
    """Both copies INSERT before either commits: PostgreSQL makes one wait, and one row remains."""
    order = wire.order(
        postgres.sent("INSERT", connection=1),
        postgres.sent("INSERT", connection=2),
        postgres.sent("COMMIT", connection=1),
    )
    async with lab.inject(order):
        await lab.deliver(copies=2)


@STORED_TWICE
async def test_clients_hang_up(lab: Lab) -> None:
    """Senders give up in mid-INSERT and send again: stored once, and the next are served."""
    hold = wire.hold(postgres.sent("INSERT"))
    async with lab.inject(hold):
        await lab.deliver(10, hang_up_at=hold.fired(10), expect=UNKNOWN)
    await lab.inject(server.flush(redis))  # PostgreSQL alone remembers
    await lab.deliver(5)


@proves("errors.refuse", fails="log_clean", match=UNHANDLED)
async def test_repeats_need_no_insert(lab: Lab) -> None:
    """PostgreSQL's disk is full. New deliveries are refused; those that Redis remembers are acknowledged."""
    await lab.deliver()
    async with lab.inject(wire.fail(postgres.sent("INSERT"), code="53100", always=True)):
        await lab.request("again", expect=ACKNOWLEDGED)
        await lab.deliver(expect=REFUSED)


@proves("retry.database", fails="outcome", match="refused")
async def test_taken_id_is_tried_again(lab: Lab) -> None:
    """Redis has forgotten an id. An INSERT of another body under it is cut and retried: still a conflict."""
    await lab.deliver()
    async with lab.inject(server.flush(redis), wire.cut(postgres.sent("INSERT"))):
        await lab.request("taken", expect=CONFLICT)
    await lab.request("delivery", expect=ACKNOWLEDGED)
