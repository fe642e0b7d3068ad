"""Whether this machine lets the harness set the clock of a process: tried once, on a child."""

from __future__ import annotations

import functools
import subprocess
import sys
import time

from harness.capability import Capability
from harness.processes.clock._process import NoClockError, set_clock

NAME = "wall clock of a process"
MEND = "run it on Linux, x86_64, as the user who owns the service's processes"
AHEAD_S = 86_400
SLOW_S = 60.0
_CHILD = "import sys, time; sys.stdin.readline(); print(int(time.time()), flush=True)"


@functools.cache
def clock_settable() -> Capability:
    """Set the clock of a child a day ahead, and ask it for the time."""
    with subprocess.Popen(  # noqa: S603  # its own interpreter
        [sys.executable, "-S", "-E", "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}
    ) as child:
        try:
            set_clock(child.pid, AHEAD_S)
            said, _ = child.communicate(b"\n", timeout=10)
            ahead_s = int(said) - time.time()
        except (NoClockError, ValueError, subprocess.TimeoutExpired) as problem:
            child.kill()
            return Capability(NAME, available=False, detail=str(problem), mend=MEND)
    if abs(ahead_s - AHEAD_S) > SLOW_S:
        told = f"a child was set {AHEAD_S} s ahead, and read its clock {ahead_s:.0f} s ahead"
        return Capability(NAME, available=False, detail=told, mend=MEND)
    return Capability(NAME, available=True, detail="set by what the vDSO of the process answers")
