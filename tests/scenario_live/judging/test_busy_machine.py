"""What the machine does to a run is recorded, and a machine without cores makes no service slow."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import Lab, link, postgres
from harness.checks import Verdict
from harness.checks.clock import OTHERS_AT_LEAST
from harness.engine.laying.testbed import Testbed
from harness.engine.observing.cores import Cores, CpuTimes, Times, seen_between
from harness.history.events import CoresSeen, CoreWait
from tests.scenario_live.support import Runs, history_of

# Loops that are nobody's children: what the harness has started is its own load, and no excuse. Each ends by itself.
LOOPS = """
import os, signal, sys
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(1, b'%d\\n' % os.getpid())  # at once: another's line must not come between number and end
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
            with contextlib.suppress(ProcessLookupError):  # its alarm was sooner
                os.kill(int(pid), signal.SIGKILL)


SECOND = 1_000_000_000
BEFORE = CpuTimes(at_ns=0, busy_ns=5 * SECOND, own_ns=SECOND, threads={"service": {(5, 5): Times(0, 100_000_000)}})


def test_what_the_harness_did_not_use_of_the_busy_time_others_used() -> None:
    now = CpuTimes(
        at_ns=SECOND,
        busy_ns=6_900_000_000,
        own_ns=2_100_000_000,
        threads={"service": {(5, 5): Times(70_000_000, 350_000_000), (5, 6): Times(10_000_000, 50_000_000)}},
    )
    assert seen_between(BEFORE, now, 2) == CoresSeen(1_000.0, (CoreWait("service", 300.0, 80.0),), 0.4, 2)


@pytest.mark.parametrize("own_ns", [2_900_000_000, 2_950_000_000], ids=["exactly", "by-rounding-more"])
def test_a_run_that_is_alone_on_the_machine_has_no_others(own_ns: int) -> None:
    now = CpuTimes(at_ns=SECOND, busy_ns=6_900_000_000, own_ns=own_ns, threads={"service": {}})
    assert seen_between(BEFORE, now, 2) == CoresSeen(1_000.0, (CoreWait("service", 0.0),), 0.0, 2)


ROUNDING_MS = 50.0
"""The kernel counts in hundredths of a second, each process for itself."""
SHORT = "import time\nend = time.monotonic() + 0.05\nwhile time.monotonic() < end: pass"


def test_what_the_harness_started_and_has_ended_is_no_other_program() -> None:
    cores, before = Cores(dict), os.times()
    for _ in range(10):
        subprocess.run([sys.executable, "-c", SHORT], check=True)
    seen, after = cores.since_last(), os.times()
    by_children_ms = 1e3 * (sum(after[2:4]) - sum(before[2:4]))
    all_cores_ms = seen.over_ms * seen.cores
    assert by_children_ms > 100
    assert seen.others * all_cores_ms <= all_cores_ms - by_children_ms + ROUNDING_MS


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
    assert sum(wait.ran_ms for wait in seen.waits if wait.of == "own") >= RAN_MS
    assert seen.cores == os.cpu_count()
    assert set(waited) == {"clients", "own"}


RAN_MS = 50
BESIDE = """
import sys
from harness.engine.observing.cores import Cores
lane, harness = map(int, sys.argv[1:])
all_lanes, this = Cores(dict, harness), Cores(dict)
ran_ns = lambda: int(open(f"/proc/{lane}/schedstat").read().split()[0])
before = all_lanes.read().own_ns, this.read().own_ns
began_ns = ran_ns()
while ran_ns() < began_ns + 200_000_000:
    pass
after_this, after_all = this.read().own_ns, all_lanes.read().own_ns
print((after_all - before[0] - (after_this - before[1])) / 1e6)
"""


def test_another_lane_is_no_other_program() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as lane:
        command = [sys.executable, "-c", BESIDE, str(lane.pid), str(os.getpid())]
        difference_ms = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        lane.kill()
    assert difference_ms >= RAN_MS, "what the other lane ran is taken off only where it is known to be one"


def until_it_ran(pid: int) -> None:
    """Wait until a process has had a core for a tenth of a second more."""
    ran_ns = 0
    while ran_ns < 2 * RAN_MS * 1_000_000:
        ran_ns = int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[0])


@pytest.mark.usefixtures("_strangers")
def test_a_slow_service_is_never_held_where_the_machine_is_busy(bed: Testbed, tmp_path: Path) -> None:
    async def play(lab: Lab) -> None:
        # More than its answers take on any machine on which it comes to rest: it is slow, however busy the cores are.
        async with lab.inject(link.latency(postgres, latency_ms=400)):
            await lab.deliver(5, slower_ms_max=1)

    result = Runs(bed, tmp_path)(play)

    assert result.verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE)
    seen = list(history_of(result).of(CoresSeen))
    assert {wait.of for wait in seen[-1].waits} >= {"clients", "service", "relay", "postgres", "redis", "toxiproxy"}
    assert any(wait.waited_ms for each in seen for wait in each.waits if wait.of == "service")
    if result.verdict is Verdict.INCONCLUSIVE:
        assert "the machine was too busy" in result.reason or "steady state" in result.reason
