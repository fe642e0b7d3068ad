"""A backend crashes while a COMMIT is held, and the session that has it has not heard of the crash yet.

The postmaster tells its sessions one after another (SIGQUIT). Here the session with the COMMIT is traced (ptrace(2)),
so that what it is told reaches it when the test says so, and not when the machine does.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import threading
from collections.abc import Sequence

import asyncpg
import psutil
import pytest

from harness import UNKNOWN, Lab, postgres, server, wire
from harness.checks import Verdict
from harness.protocols.postgres import server_state, terminated_sessions
from tests.scenario_live.support import Runs, evidence

WITHIN_S = 30.0
PTRACE_CONT, PTRACE_SEIZE, WALL = 7, 0x4206, 0x40000000  # linux/ptrace.h, linux/wait.h
HOLDS_IT = "SELECT pid FROM pg_stat_activity WHERE usename = $1 AND state = 'idle in transaction'"
_LIBC = ctypes.CDLL(None, use_errno=True)


def ptrace(request: int, pid: int, data: int = 0) -> None:
    if _LIBC.ptrace(ctypes.c_long(request), ctypes.c_long(pid), ctypes.c_void_p(), ctypes.c_void_p(data)) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace({request:#x})")


class HardOfHearing:
    """A process that goes on when it gets a SIGQUIT, until it may hear of it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.traced, self.told, self._hears = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._trace, daemon=True)  # whoever traces is one thread
        self._thread.start()
        assert self.traced.wait(WITHIN_S), "it could not be traced"

    def _trace(self) -> None:
        ptrace(PTRACE_SEIZE, self.pid)
        self.traced.set()
        while not os.WIFEXITED(status := os.waitpid(self.pid, WALL)[1]) and not os.WIFSIGNALED(status):
            heard = os.WSTOPSIG(status)
            if heard == signal.SIGQUIT and not self._hears.is_set():
                self.told.set()
                heard = 0
            ptrace(PTRACE_CONT, self.pid, heard)

    def let_hear(self) -> None:
        """It hears now what it was told before."""
        if not self._hears.is_set():
            self._hears.set()
            os.kill(self.pid, signal.SIGQUIT)
        self._thread.join(WITHIN_S)
        assert not self._thread.is_alive()


class Crash:
    """What the fault `server.crash_backend` does, with the session that holds the COMMIT made hard of hearing."""

    def __init__(self, waits_for_all: bool) -> None:
        self._waits_for_all = waits_for_all
        self.holder: HardOfHearing | None = None

    async def serving(self, admin: asyncpg.Connection, user: str) -> Sequence[psutil.Process]:
        """See `terminated_sessions.serving`; who crashes, the first, is not who holds the COMMIT."""
        found = await terminated_sessions.serving(admin, user)
        [holder] = [row["pid"] for row in await admin.fetch(HOLDS_IT, user)]
        self.holder = HardOfHearing(holder)
        return sorted(found, key=lambda each: each.pid == holder)

    async def see_ended(self, processes: Sequence[psutil.Process], name: str) -> None:
        """See `terminated_sessions.see_ended`. Without it, as before: one session has ended, so it goes on."""
        assert self.holder is not None
        assert len(processes) > 1
        assert await asyncio.to_thread(self.holder.told.wait, WITHIN_S)
        if self._waits_for_all:
            self.holder.let_hear()
            await terminated_sessions.see_ended(processes, name)
        else:
            await terminated_sessions.see_ended(processes[:1], name)


@pytest.mark.parametrize(("waits_for_all", "failing"), [(True, ()), (False, ("outcome",))])
def test_a_held_commit_goes_nowhere_after_a_crash(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, waits_for_all: bool, failing: tuple[str, ...]
) -> None:
    """Nobody asks what became of it, so that it is unknown: unless the session went on and carried it out."""
    fault, both = server.crash_backend(postgres, at=postgres.sent("COMMIT")), wire.hold(postgres.sent("COMMIT"))
    crash = Crash(waits_for_all)
    monkeypatch.setattr(server_state, "serving", crash.serving)
    monkeypatch.setattr(server_state, "see_ended", crash.see_ended)

    async def play(lab: Lab) -> None:
        await lab.inject(both)
        async with lab.deliver(2):  # so that there are two sessions
            await lab.until(both.fired(2))
            await lab.heal(both)
        async with lab.inject(fault):
            await lab.deliver(expect=UNKNOWN)
            assert crash.holder is not None
            crash.holder.let_hear()

    result = runs(play, without=("commit.resolve",))

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED if failing else Verdict.HELD, failing), (
        result.reason
    )
    assert evidence(result)[repr(fault)] == {"sessions_thrown_out": 1}
