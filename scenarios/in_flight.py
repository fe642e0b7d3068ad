"""PostgreSQL goes away, or falls silent, during a statement."""

import pytest

from harness import REFUSED, Fault, Lab, link, nightly, postgres, proves, server, wire
from scenarios.words import IN_FLIGHT, UNHANDLED, WAITS_FOR_POSTGRES

NO_OTHER_LIMIT = ("deadline.request", "retry.database")
"""A request's own deadline would hide a statement's. Without that deadline, retries would triple the time."""


@proves("retry.database", fails="outcome", match=IN_FLIGHT)
@proves(under="unprotected", fails="outcome", match=UNHANDLED + IN_FLIGHT)
async def test_query_cut_in_flight(lab: Lab) -> None:
    """The INSERT waits for a lock, its connection is cut, and the lock goes. A retry stores the delivery."""
    lock = server.lock(postgres, "deliveries")
    await lab.inject(lock)
    async with lab.deliver():
        await lab.until(postgres.waiting("INSERT"))
        await lab.inject(link.cut(postgres))
        await lab.heal(lock)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(wire.cut(postgres.sent("INSERT")), id="not-sent", marks=nightly("half-sent tests the same")),
        pytest.param(wire.cut(postgres.sent("INSERT", message="Bind"), after_bytes=40), id="half-sent"),
        pytest.param(wire.cut(postgres.answered("INSERT")), id="not-answered"),
        pytest.param(
            wire.cut(postgres.answered("INSERT"), after_bytes=20),
            id="half-answered",
            marks=nightly("not-answered tests the same"),
        ),
    ],
)
@proves("retry.database", fails="outcome", match=IN_FLIGHT)
async def test_query_cut_at_the_frame(lab: Lab, fault: Fault) -> None:
    """The connection ends at the INSERT, or in the middle of its answer: a retry stores it."""
    async with lab.inject(fault):
        await lab.deliver()


@proves("deadline.statement", without=("deadline.request",), fails="in_time", match=WAITS_FOR_POSTGRES)
async def test_postgres_falls_silent_at_the_answer(lab: Lab) -> None:
    """The INSERT is done, and its connection falls silent. It is given up in time, and another one stores."""
    async with lab.inject(wire.stall(postgres.answered("INSERT"))):
        await lab.deliver()


@nightly("waits for a deadline of a request")
@proves("deadline.statement", without=NO_OTHER_LIMIT, fails="in_time", match=WAITS_FOR_POSTGRES)
@proves(under="incident", fails="in_time", match=WAITS_FOR_POSTGRES)
async def test_postgres_swallows_bytes_when_idle(lab: Lab) -> None:
    """PostgreSQL accepts connections, and is silent. The service gives up idle ones and new ones in time."""
    await lab.until(postgres.idle(at_least=1))
    async with lab.inject(link.swallow(postgres)):
        await lab.deliver(expect=REFUSED)


@proves("deadline.statement", without=NO_OTHER_LIMIT, fails="in_time", match=WAITS_FOR_POSTGRES)
@proves(under="incident", fails="in_time", match=WAITS_FOR_POSTGRES)
async def test_postgres_swallows_bytes_in_mid_query(lab: Lab) -> None:
    """The connection falls silent during the INSERT. The service gives it up in time, and stores nothing."""
    lock = server.lock(postgres, "deliveries")
    await lab.inject(lock)
    async with lab.deliver(expect=REFUSED):
        await lab.until(postgres.waiting("INSERT"))
        await lab.inject(link.swallow(postgres))
        await lab.heal(lock)


@proves("commit.resolve", fails="outcome", match="unknown")
async def test_commit_cut_in_flight(lab: Lab) -> None:
    """The connection is cut during the COMMIT, which is applied. The delivery is stored once, and acknowledged."""
    hold = server.hold_commits(postgres, "deliveries")
    await lab.inject(hold)
    async with lab.deliver():
        await lab.until(postgres.waiting("COMMIT"))
        await lab.inject(link.cut(postgres))
        await lab.heal(hold)


@proves("ack.after_commit", fails="acknowledged_is_stored")
async def test_backend_ended_in_mid_commit(lab: Lab) -> None:
    """The backend is ended while its COMMIT waits, and rolls back. The delivery is retried."""
    hold = server.hold_commits(postgres, "deliveries")
    await lab.inject(hold)
    async with lab.deliver():
        await lab.until(postgres.waiting("COMMIT"))
        await lab.inject(server.end_sessions(postgres))
        await lab.heal(hold)


@proves("retry.database", fails="outcome", match="AssertionError: insufficient data in buffer")
async def test_answer_is_garbled(lab: Lab) -> None:
    """One bit of the row that an INSERT returns is wrong. The connection is given up, and another one stores it."""
    async with lab.inject(wire.corrupt(postgres.answered("INSERT", message="DataRow"), at_byte=10)):
        await lab.deliver()
