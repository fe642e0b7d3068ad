"""PostgreSQL in a state of production: a backend has crashed, or there is no session left."""

from __future__ import annotations

import os

import asyncpg
import psutil
import pytest

from harness import ANY_OUTCOME, REFUSED, Lab, link, postgres, server
from harness.checks import Verdict
from harness.errors import UsageError
from harness.history.events import EvidenceSeen, FaultActed, ServerCrashed
from harness.protocols.postgres import server_state, terminated_sessions
from tests.scenario_live.support import Runs, all_mended, asked, evidence, history_of


def test_a_crashed_backend_ends_all_sessions_and_the_server_recovers(runs: Runs) -> None:
    fault = server.crash_backend(postgres)

    async def play(lab: Lab) -> None:
        await lab.deliver(3)
        async with lab.inject(fault):
            await lab.until(fault.fired(2))
        await lab.deliver(3)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(fault)] == {"sessions_thrown_out": 1}
    (crashed,) = history_of(result).of(ServerCrashed)
    assert crashed.fault == fault
    assert "was terminated by signal 9" in crashed.line
    assert all_mended(runs.bed, fault)


def test_without_a_session_there_is_none_to_crash(runs: Runs) -> None:
    fault = server.crash_backend(postgres)

    async def play(lab: Lab) -> None:
        await lab.deliver()
        async with lab.inject(link.down(postgres), fault):  # only cut, it could have a new session by then
            pass

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE, result.reason
    assert "the service had no session that could crash" in result.reason


def test_sessions_that_outlive_the_crash_make_the_run_inconclusive(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    async def serving(admin: asyncpg.Connection, user: str) -> list[psutil.Process]:
        return [*await terminated_sessions.serving(admin, user), psutil.Process()]  # this process does not end

    monkeypatch.setattr(server_state, "serving", serving)
    monkeypatch.setattr(terminated_sessions, "WITHIN_S", 0.5)

    async def play(lab: Lab) -> None:
        await lab.deliver()
        await lab.inject(server.crash_backend(postgres))

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert (
        f"a process of it crashed, and 0.5 s later it still served sessions (processes {os.getpid()})" in result.reason
    )


def test_no_session_beyond_the_limit(runs: Runs) -> None:
    fault = server.limit_connections(postgres, 0)

    async def play(lab: Lab) -> None:
        async with lab.inject(fault, link.cut(postgres)):
            await lab.deliver(2, expect=REFUSED)
        await lab.deliver(2)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(fault)] == {"logins_refused": 1}


def test_a_limit_that_nobody_met_proves_nothing(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(server.limit_connections(postgres, 100)):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "left no evidence" in result.reason


def test_fewer_than_no_session_is_refused() -> None:
    with pytest.raises(UsageError, match="less than no session"):
        server.limit_connections(postgres, -1)
    with pytest.raises(UsageError, match="less than no slot"):
        server.take_connections(postgres, leaving=-1)
    with pytest.raises(UsageError, match=r"of = 'user': .*; valid: database, role"):
        server.limit_connections(postgres, 0, of="user")  # type: ignore[arg-type]  # the mistake that is told


def test_slots_that_somebody_else_has(runs: Runs) -> None:
    """The limits of the database and of the role are in the way of nobody who had a session before."""
    fault, held = server.take_connections(postgres, leaving=1), server.limit_connections(postgres, 0, of="database")

    async def play(lab: Lab) -> None:
        await lab.deliver()
        async with lab.inject(fault), lab.inject(held):
            await lab.deliver()
        async with lab.inject(link.cut(postgres), fault):
            await lab.deliver(5, expect=ANY_OUTCOME)
        await lab.deliver(2)

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    found = [(acted.number, acted.fault) for acted in history_of(result).of(FaultActed)]
    seen = {
        number: [each.what for each in history_of(result).of(EvidenceSeen) if each.number == number]
        for number, _ in found
    }
    assert seen == {1: [], 2: [], 3: ["connections_cut"], 4: ["logins_refused"]}


def test_another_password_is_for_new_sessions(runs: Runs) -> None:
    fault = server.change_password(postgres)

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.deliver()
            async with lab.inject(link.cut(postgres)):
                await lab.deliver(2, expect=REFUSED)
        await lab.deliver(2)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(fault)] == {"password_refused": 1}


def test_a_password_that_nobody_gave_proves_nothing(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(server.change_password(postgres)):
            await lab.deliver()

    assert runs(play).verdict is Verdict.INCONCLUSIVE


def test_a_migration_has_the_rights_of_the_service(runs: Runs) -> None:
    fault = server.migrate(postgres, "ALTER ROLE CURRENT_USER SUPERUSER", undo="CREATE TABLE undone ()")
    undone = []

    async def play(lab: Lab) -> None:
        try:
            await lab.inject(fault)
        finally:
            await lab.heal(fault)
            undone.append(await asked(lab, "SELECT to_regclass('undone')"))

    result = runs(play)

    assert undone == [None], "what was refused is not undone"
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "permission denied" in result.reason


def test_a_migration_that_nobody_felt_proves_nothing(runs: Runs) -> None:
    fault = server.migrate(postgres, "CREATE TABLE beside ()", undo="DROP TABLE beside")

    seen = []  # a run in which nothing was felt is inconclusive, whatever its scenario asserts

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            seen.append(await asked(lab, "SELECT to_regclass('beside')"))
            await lab.deliver()
        seen.append(await asked(lab, "SELECT to_regclass('beside')"))

    result = runs(play)

    assert seen == ["beside", None], "it was undone"

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "nothing shows that the service felt it" in result.reason
    assert evidence(result)[repr(fault)] == {"migrated": 1}


def test_two_sessions_wait_for_each_other(runs: Runs) -> None:
    fault = server.deadlock(postgres, "deliveries", at=postgres.sent("COMMIT"))

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.deliver(2)
            await lab.until(fault.fired())
        assert await asked(lab, "SELECT count(*) FROM pg_proc WHERE proname LIKE 'harness%'") == 0
        assert await asked(lab, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
        await lab.deliver(2)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(fault)] == {"deadlock_detected": 1}


def test_without_a_commit_there_is_no_deadlock(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(server.deadlock(postgres, "deliveries", at=postgres.sent("COMMIT"))):
            pass
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "left no evidence" in result.reason


def test_a_deadlock_needs_its_moment(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(server.deadlock(postgres, "deliveries"))

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "no transaction has a lock yet" in result.reason
