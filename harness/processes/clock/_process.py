"""Sets the wall clock of a running process: writes into its vDSO, while the process is stopped.

The kernel gives the process its own copy of the written page (`proc(5)`: /proc/PID/mem), so only this process and its
later forks see the change. The code is in the room behind the vDSO's own functions, and each of these begins with a
jump there. After that only the number of seconds is written.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from harness.errors import HarnessError
from harness.processes.clock._code import X86_64, jump
from harness.processes.clock._vdso import Vdso, read_vdso, vdso_of

STOPPED_WITHIN_S = 2.0
TRIES = 50
JUMP_BYTES = 5


class NoClockError(HarnessError):
    """The wall clock of a process cannot be set; the message says why."""


def set_clock(pid: int, ahead_s: int) -> None:
    """Set the process's wall clock this many seconds ahead of the machine's; negative: behind it; 0: the same.

    Its monotonic clock stays. A program that uses system calls instead of the vDSO does not see the change. Raises
    NoClockError.
    """
    if os.uname().machine != "x86_64":
        raise NoClockError("the wall clock of a process can be set on x86_64 only")
    try:
        with _stopped(pid), Path(f"/proc/{pid}/mem").open("r+b", buffering=0) as memory:
            found = vdso_of(pid)
            if found is None:
                raise NoClockError(f"process {pid} has no vDSO")
            base, size = found
            memory.seek(base)
            _write(pid, memory.fileno(), read_vdso(base, memory.read(size)), ahead_s)
    except (OSError, ValueError, psutil.Error) as problem:
        raise NoClockError(f"the clock of process {pid} cannot be set: {problem}") from problem


def _write(pid: int, memory: int, vdso: Vdso, ahead_s: int) -> None:
    at = vdso.base + vdso.room
    first = os.pread(memory, JUMP_BYTES, vdso.base + vdso.functions[next(iter(X86_64))])
    if first[:1] == b"\xe9":  # it is there already: its room began earlier
        _write_number(memory, vdso, ahead_s)
        return
    if vdso.room + sum(piece.size + 16 for piece in X86_64.values()) > vdso.size:
        raise NoClockError("the vDSO has no free space behind its functions")
    jumps: dict[int, bytes] = {}
    for name, piece in X86_64.items():
        if name in vdso.functions:
            os.pwrite(memory, piece.filled(ahead_s), at)
            jumps[vdso.base + vdso.functions[name]] = jump(vdso.base + vdso.functions[name], at)
            at += (piece.size + 15) // 16 * 16
    _wait_outside(pid, list(jumps))
    for place, code in jumps.items():
        os.pwrite(memory, code, place)


def _write_number(memory: int, vdso: Vdso, ahead_s: int) -> None:
    for name, piece in X86_64.items():
        if name in vdso.functions:
            place = vdso.base + vdso.functions[name]
            code = os.pread(memory, JUMP_BYTES, place)
            target = place + JUMP_BYTES + int.from_bytes(code[1:], "little", signed=True)
            os.pwrite(memory, piece.filled(ahead_s), target)


def _wait_outside(pid: int, places: list[int]) -> None:
    """Wait until no thread is within the bytes that the jumps overwrite: it would continue in the middle of a jump."""
    for _ in range(TRIES):
        counters = [_program_counter(task) for task in Path(f"/proc/{pid}/task").iterdir()]
        if not any(place < counter < place + JUMP_BYTES for counter in counters for place in places):
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.001)
        _stop(pid)
    raise NoClockError(f"a thread of process {pid} never left the function that reads its clock")


def _program_counter(task: Path) -> int:
    words = (task / "syscall").read_text("ascii").split()
    return int(words[-1], 16) if len(words) > 1 else 0


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    """Stop the process for the block, unless it is stopped already."""
    if psutil.Process(pid).status() == psutil.STATUS_STOPPED:
        yield
        return
    _stop(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    process, deadline = psutil.Process(pid), time.monotonic() + STOPPED_WITHIN_S
    while process.status() != psutil.STATUS_STOPPED:
        if time.monotonic() > deadline:
            raise NoClockError(f"process {pid} does not stop")
        time.sleep(0.0005)
