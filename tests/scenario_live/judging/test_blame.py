"""What the service did, or what a fault had a server do, is not put on the harness."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest

from harness import ANY_OUTCOME, Fault, Lab, Postgres, link, no_fault, postgres, redis, server
from harness.checks import Verdict
from harness.engine.laying.testbed import open_testbed
from harness.faults.fault import Injection
from harness.faults.site import ServerChange, Site
from harness.history.events import (
    FaultActed,
    FaultHealed,
    RowsRead,
    ScenarioProblem,
    ServerDied,
    ServerUnusable,
    SessionLeaked,
)
from harness.polling import poll_async
from harness.stack import StackConfiguration
from tests.cli.support import command_of
from tests.scenario_live.support import (
    LEAK,
    Runs,
    calmly,
    evidence,
    history_of,
    leaked,
    left_over,
    limited,
    patient_target,
    problems,
)

FAILED = Verdict.FAILED


@pytest.mark.parametrize("fault", [server.lock, server.hold_commits])
def test_a_session_that_the_service_leaked(runs: Runs, fault: Callable[[Postgres, str], Fault]) -> None:
    """It keeps the lock from being taken, or the trigger from being dropped. The run goes on without it."""
    held = fault(postgres, "deliveries")

    async def play(lab: Lab) -> None:
        async with AsyncExitStack() as leaking:
            if fault is server.lock:
                await leaking.enter_async_context(leaked(lab))
            await lab.inject(held)
            async with lab.deliver(expect=ANY_OUTCOME):
                await lab.until(held.fired())
                if fault is server.hold_commits:
                    await leaking.enter_async_context(leaked(lab))
                await lab.heal(held)

    result = runs(play)

    assert (result.verdict, problems(result)) == (Verdict.FAILED, [])
    assert "pool_returns" in result.failing_checks
    (session,) = history_of(result).of(SessionLeaked)
    assert (session.link, session.state, session.query) == ("postgres", "idle in transaction", LEAK)
    assert f"pool_returns: a session of the service on postgres (pid {session.pid}, idle in " in result.reason


def test_a_session_that_stays_to_the_end(runs: Runs) -> None:
    """The database and the role go all the same: see what `runs` looks for afterwards."""
    leaking = AsyncExitStack()

    async def play(lab: Lab) -> None:
        await leaking.enter_async_context(leaked(lab))
        await lab.inject(no_fault)
        await lab.deliver()

    result = runs.on(target=limited(runs.bed.target, recovery_s=1))(play)

    assert (result.verdict, result.failing_checks, problems(result)) == (
        Verdict.FAILED, ("pool_returns", "leaves_nothing"), [],
    )  # fmt: skip
    assert "busy connections: postgres stay at 1, at most 0" in result.reason
    assert "does not report: postgres" in result.failing[1].reason


def test_a_session_that_another_fault_may_have_kept(runs: Runs) -> None:
    """Nobody can tell whose fault it is."""
    held, slow = server.hold_commits(postgres, "deliveries"), link.latency(postgres, latency_ms=1)

    async def play(lab: Lab) -> None:
        async with lab.inject(slow), lab.inject(held), lab.deliver(expect=ANY_OUTCOME):
            await lab.until(held.fired())
            async with leaked(lab):
                await lab.heal(held)

    result = runs(play)

    assert (result.verdict, problems(result)) == (Verdict.INCONCLUSIVE, [])
    assert result.reason.endswith(f"{slow!r} was in force, and may be why")


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Runs]:
    """Runs on servers that no other test uses: a fault of theirs does not heal."""
    with open_testbed(patient_target(), StackConfiguration(), logs=tmp_path / "logs") as bed:
        yield Runs(bed, tmp_path).on(target=limited(bed.target, recovery_s=1))


async def _delivers(lab: Lab, fault: Fault) -> None:
    await lab.deliver()
    await lab.inject(fault)
    await lab.deliver(expect=ANY_OUTCOME)


def test_a_text_that_ends_its_own_session(runs: Runs) -> None:
    """It was done, and nothing of the service's is touched."""
    ends = server.execute(postgres, "SELECT pg_terminate_backend(pg_backend_pid())")

    result = runs(lambda lab: _delivers(lab, ends))

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith(f"{ends!r} was carried out, but nothing shows that the service felt it: add ")
    assert evidence(result)[repr(ends)] == {"executed": 1}


STOP = server.execute(
    # The server ends what it started, too: the shell is to live long enough to say that it was done.
    postgres,
    "COPY (SELECT 1) TO PROGRAM 'trap : TERM; kill -INT $(head -n 1 postmaster.pid)'",
)


def test_a_text_that_shuts_redis_down(alone: Runs) -> None:
    """The service does without it: that is what the run proves, though the harness finds no Redis to clean up."""
    fault = server.execute(redis, "SHUTDOWN NOSAVE")

    result = alone(lambda lab: _delivers(lab, fault))

    assert (result.verdict, result.reason) == (Verdict.HELD, "")
    assert evidence(result)[repr(fault)] == {"executed": 1, "ended_connections": 1}
    assert [(died.name, died.fault) for died in history_of(result).of(ServerDied)] == [("redis", fault)]


def test_a_text_that_shuts_postgresql_down(alone: Runs) -> None:
    """What failed is the reason, and the rows that cannot be read are told with the fault."""
    result = alone(lambda lab: _delivers(lab, STOP))

    judged = calmly(result)
    assert (judged.verdict, [each.name for each in judged.failing], problems(result)) == (FAILED, ["recovers"], [])
    assert evidence(result)[repr(STOP)] == {"executed": 1, "ended_connections": 1}
    assert [(died.name, died.fault) for died in history_of(result).of(ServerDied)] == [("postgres", STOP)]
    assert judged.reason.startswith("recovers: nothing acknowledged 1 s after healing: ")
    assert f"; besides, {STOP!r} left its server unusable for the harness: reading the rows:" in judged.reason


def test_a_text_that_leaves_redis_read_only(alone: Runs) -> None:
    """The service does without what it cannot write, and no key can be removed."""
    fault = server.execute(redis, "REPLICAOF 127.0.0.1 1")

    result = alone(lambda lab: _delivers(lab, fault))

    assert (result.verdict, result.reason) == (Verdict.HELD, "")
    assert evidence(result)[repr(fault)] == {"executed": 1}


def test_a_text_that_leaves_postgresql_read_only(alone: Runs) -> None:
    """The harness reads the rows all the same, and removes the database."""

    async def play(lab: Lab) -> None:
        await lab.inject(server.execute(postgres, "ALTER SYSTEM SET default_transaction_read_only = on"))
        await lab.inject(server.execute(postgres, "SELECT pg_reload_conf()"))
        await lab.deliver(expect=ANY_OUTCOME)

    result = alone(play)

    judged = calmly(result)
    assert (judged.verdict, [each.name for each in judged.failing], problems(result)) == (FAILED, ["recovers"], [])
    assert judged.reason.startswith("recovers: nothing acknowledged 1 s after healing: ")
    assert history_of(result).last(RowsRead) is not None
    assert list(history_of(result).of(ServerUnusable)) == []
    own = "setting default_transaction_read_only"  # the text's, for good
    assert [left for left in left_over(alone.bed) if "session" not in left and left != own] == []


def test_a_harmless_text_is_not_why_its_server_died(alone: Runs) -> None:
    """It was answered, and so was the harness after it: what killed the server then is not known."""
    fault = server.execute(redis, "SET somebody cares")

    async def play(lab: Lab) -> None:
        await lab.deliver()
        await lab.inject(fault)
        (change,) = alone.bed.server_changes
        assert await poll_async(lambda: _no_longer(change), within_s=10, interval_s=0.01)
        process = alone.bed.stack.servers["redis"].process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        await lab.deliver(expect=ANY_OUTCOME)
        await asyncio.Event().wait()  # the run is over as soon as the death is known

    result = alone(play)

    assert (result.verdict, problems(result)) == (Verdict.INCONCLUSIVE, [])
    # The death may be known before the last delivery is answered, which then never is.
    assert set(result.failing_checks) <= {"in_time"}
    assert result.reason.startswith(f"redis died, and not of {fault!r}: it served the harness after that: status -9")
    (died,) = history_of(result).of(ServerDied)
    assert (died.fault, died.survived) == (None, fault)


async def _no_longer(change: ServerChange) -> bool:
    return not change.may_end_it


@dataclass(frozen=True, repr=False)
class Met(Fault, kind="test.met"):
    """A fault of the harness's own that meets an error, of PostgreSQL's or of its own libraries."""

    of: str = "postgres"

    def injection(self, site: Site) -> Injection:
        return _Meets(site.laid(postgres).admin_url if self.of == "postgres" else "")


class _Meets(Injection):
    def __init__(self, url: str) -> None:
        self._url = url

    async def act(self) -> None:
        # Errors that a line of this file raised would be the scenario's.
        if not self._url:
            json.loads("no JSON")
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute("SELECT 1/0")
        finally:
            await connection.close()

    async def heal(self) -> None:
        """Nothing was done."""


@pytest.mark.parametrize(
    ("text", "of", "unusable"),
    [
        (server.execute(postgres, "SELECT 1"), "postgres", True),
        (server.execute(postgres, "SELECT 1"), "the harness", False),
        (server.execute(redis, "SET a b"), "postgres", False),
        (server.execute(postgres, "SELECT 1", undo="SELECT 1"), "postgres", False),
    ],
)
def test_only_an_error_of_the_changed_server_is_put_on_the_text(
    runs: Runs, text: Fault, of: str, unusable: bool
) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(text)
        await lab.deliver()
        await lab.inject(Met(of))

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert [event.fault for event in history_of(result).of(ServerUnusable)] == ([text] if unusable else [])
    assert len(problems(result)) == (0 if unusable else 1)
    assert result.reason.startswith(f"{text!r} left its server unusable" if unusable else "the harness broke: ")


@pytest.mark.parametrize(
    ("text", "verdict", "reason"),
    [
        ("SELECT 1; SELECT 1/0", Verdict.INCONCLUSIVE, "the scenario is wrong: "),
        ("DELETE FROM deliveries; COMMIT; SELECT 1/0", Verdict.FAILED, "acknowledged_is_stored: "),
    ],
)
def test_a_text_that_errs_halfway_has_acted(runs: Runs, text: str, verdict: Verdict, reason: str) -> None:
    """The scenario is wrong, and what the text did before its error is in force and in the history."""
    fault = server.execute(postgres, text)

    result = runs(lambda lab: _delivers(lab, fault))

    assert (result.verdict, problems(result)) == (verdict, [])
    assert result.reason.startswith(reason)
    history = history_of(result)
    assert [acted.fault for acted in history.of(FaultActed)] == [fault]
    assert [healed.number for healed in history.of(FaultHealed)] == [1]
    assert list(history.of(ServerUnusable)) == []
    (wrong,) = history.of(ScenarioProblem)
    assert "PostgreSQL says: division by zero" in wrong.text


def test_a_server_that_crashed_and_recovered_by_itself_proves_nothing(alone: Runs) -> None:
    """PostgreSQL ends every session when one of its processes is killed, and is back a moment later."""
    postmaster = alone.bed.stack.servers["postgres"].process
    assert postmaster is not None

    async def play(lab: Lab) -> None:
        async with lab.inject(link.cut(redis)):
            await lab.deliver()
            children = psutil.Process(postmaster.pid).children()
            (checkpointer,) = (each for each in children if "checkpointer" in " ".join(command_of(each)))
            checkpointer.kill()
            assert await poll_async(lambda: _is_gone(checkpointer), within_s=10)
            await lab.deliver(expect=ANY_OUTCOME)

    result = alone(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith("postgres crashed, and no fault had touched it: ")
    assert "was terminated by signal 9" in result.reason


async def _is_gone(process: psutil.Process) -> bool:
    return not process.is_running()
