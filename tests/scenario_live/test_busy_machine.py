"""What the machine does to a run is recorded, and a machine without cores makes no service slow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import Lab, link, redis
from harness.checks import Verdict
from harness.checks.clock import OTHERS_AT_LEAST
from harness.engine.laying.testbed import Testbed
from harness.engine.observing.cores import Cores
from harness.history.events import CoresSeen
from tests.scenario_live.support import Runs, history_of

# Loops that are nobody's children: what the harness has started is its own load, and no excuse. Each ends by itself.
LOOPS = """
import os, signal, sys
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            print(os.getpid(), flush=True)
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            signal.alarm(30)
            while True:
                pass
        os._exit(0)
    os.wait()
"""


@pytest.fixture
def _strangers() -> Iterator[None]:
    """Programs of others that want every core several times over."""
    count = 3 * (os.cpu_count() or 1)
    made = subprocess.run([sys.executable, "-c", LOOPS, str(count)], stdout=subprocess.PIPE, text=True, check=True)
    try:
        yield
    finally:
        for pid in made.stdout.split():
            os.kill(int(pid), signal.SIGKILL)


@pytest.mark.usefixtures("_strangers")
def test_others_are_told_from_the_harness_and_what_it_started() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as own:
        cores = Cores(lambda: {"own": [own.pid]})
        until_it_ran(own.pid)
        seen = cores.since_last()
        own.kill()
    assert seen.others >= OTHERS_AT_LEAST
    waited = {wait.of: wait.waited_ms for wait in seen.waits}
    assert waited["own"] > 0
    assert set(waited) == {"clients", "own"}


def until_it_ran(pid: int) -> None:
    """Wait until a process has had a core for a tenth of a second."""
    ran_ns = 0
    while ran_ns < 100_000_000:
        ran_ns = int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[0])


@pytest.mark.usefixtures("_strangers")
def test_a_slow_service_is_never_held_where_the_machine_is_busy(bed: Testbed, tmp_path: Path) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(link.latency(redis, latency_ms=30)):
            await lab.deliver(20, slower_ms_max=1)

    result = Runs(bed, tmp_path)(play)

    assert result.verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE)
    assert any(history_of(result).of(CoresSeen))
    if result.verdict is Verdict.INCONCLUSIVE:
        assert "the machine was too busy" in result.reason or "steady state" in result.reason
