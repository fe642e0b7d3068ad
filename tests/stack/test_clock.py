"""A running process reads the wall clock that it was set, and its monotonic clock as before."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from harness.processes.clock import NoClockError, clock_settable, set_clock

pytestmark = pytest.mark.skipif(not clock_settable().available, reason=clock_settable().detail)

TELLS = """
import datetime, os, sys, time
for line in sys.stdin:
    if line.startswith("fork") and os.fork() != 0:
        os.wait()
        continue
    parts = time.time(), datetime.datetime.now(datetime.timezone.utc).timestamp(), time.monotonic()
    print(*parts, flush=True)
    if line.startswith("fork"):
        os._exit(0)
"""
SLOW_S = 30.0


@pytest.fixture
def clock() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", TELLS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def told(clock: subprocess.Popen[str], word: str = "now") -> list[float]:
    """How far ahead of this process's clocks its own are: twice the wall clock, and the monotonic one."""
    assert clock.stdin is not None
    assert clock.stdout is not None
    clock.stdin.write(f"{word}\n")
    clock.stdin.flush()
    wall, again, monotonic = map(float, clock.stdout.readline().split())
    return [wall - time.time(), again - time.time(), monotonic - time.monotonic()]


def test_forward_back_and_right_again(clock: subprocess.Popen[str]) -> None:
    for ahead_s in (0, 3600, -3600, 86_400 * 365, 0):
        set_clock(clock.pid, ahead_s)
        assert told(clock) == pytest.approx([ahead_s, ahead_s, 0], abs=SLOW_S)


def test_other_processes_keep_theirs_and_children_inherit_it(clock: subprocess.Popen[str]) -> None:
    set_clock(clock.pid, 3600)
    assert told(clock, "fork") == pytest.approx([3600, 3600, 0], abs=SLOW_S)
    with subprocess.Popen(
        [sys.executable, "-c", TELLS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert told(other) == pytest.approx([0, 0, 0], abs=SLOW_S)
        other.kill()


def test_a_process_that_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    with pytest.raises(NoClockError, match=f"the clock of process {gone.pid} cannot be set: "):
        set_clock(gone.pid, 5)
    assert os.getpid() != gone.pid
