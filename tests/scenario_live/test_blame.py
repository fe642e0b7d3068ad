"""What the service did, or what a fault had a server do, is not put on the harness."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest

from harness import ANY_OUTCOME, Fault, Lab, Postgres, link, postgres, server
from harness.checks import Verdict
from harness.history.events import SessionLeaked
from tests.scenario_live.support import Runs, history_of, problems, site_of

LEAK = "SELECT count(*) FROM deliveries"


@asynccontextmanager
async def _leaked(lab: Lab) -> AsyncIterator[asyncpg.Connection]:
    """A session of the service's role, idle in a transaction that has read the table."""
    connection = await asyncpg.connect(site_of(lab).laid(postgres).words["url"])
    await connection.execute("BEGIN")
    await connection.execute(LEAK)
    try:
        yield connection
    finally:
        connection.terminate()


@pytest.mark.parametrize("fault", [server.lock, server.hold_commits])
def test_a_session_that_the_service_leaked(runs: Runs, fault: Callable[[Postgres, str], Fault]) -> None:
    """It keeps the lock from being taken, or the trigger from being dropped. The run goes on without it."""
    held = fault(postgres, "deliveries")

    async def play(lab: Lab) -> None:
        async with AsyncExitStack() as leaking:
            if fault is server.lock:
                await leaking.enter_async_context(_leaked(lab))
            await lab.inject(held)
            async with lab.deliver(expect=ANY_OUTCOME):
                await lab.until(held.fired())
                if fault is server.hold_commits:
                    await leaking.enter_async_context(_leaked(lab))
                await lab.heal(held)

    result = runs(play)

    assert (result.verdict, problems(result)) == (Verdict.FAILED, [])
    assert "pool_returns" in result.failing_checks
    (leaked,) = history_of(result).of(SessionLeaked)
    assert (leaked.link, leaked.state, leaked.query) == ("postgres", "idle in transaction", LEAK)
    assert f"pool_returns: a session of the service on postgres (pid {leaked.pid}, idle in " in result.reason


def test_a_session_that_another_fault_may_have_kept(runs: Runs) -> None:
    """Nobody can tell whose fault it is."""
    held, slow = server.hold_commits(postgres, "deliveries"), link.latency(postgres, latency_ms=1)

    async def play(lab: Lab) -> None:
        async with lab.inject(slow), lab.inject(held), lab.deliver(expect=ANY_OUTCOME):
            await lab.until(held.fired())
            async with _leaked(lab):
                await lab.heal(held)

    result = runs(play)

    assert (result.verdict, problems(result)) == (Verdict.INCONCLUSIVE, [])
    assert result.reason.endswith(f"{slow!r} was in force, and may be why")
