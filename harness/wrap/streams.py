"""The harness's own input and outputs, as paths that a process of the keeper's can open."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

_FLAGS: Final = (os.O_RDONLY, os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_APPEND)
_PUMPED_BYTES: Final = 65536


@contextmanager
def own_streams() -> Iterator[tuple[str, str, str]]:
    """Return paths of standard input, output and error. What comes before the block ends is passed on.

    A terminal and a pipe can be opened by their paths. A socket cannot, and a file that is opened twice has two write
    positions. So the output to these is copied, and a socket's input is not read.
    """
    with ExitStack() as pumps:
        source, out, errors = (
            path if _can_be_shared(number, path) else pumps.enter_context(_instead(number))
            for number, path in enumerate(f"/proc/{os.getpid()}/fd/{number}" for number in range(3))
        )
        yield source, out, errors


def _can_be_shared(number: int, path: str) -> bool:
    try:
        os.close(os.open(path, _FLAGS[number] | os.O_NOCTTY))
    except OSError:
        return False
    return number == 0 or not stat.S_ISREG(os.fstat(number).st_mode)


@contextmanager
def _instead(number: int) -> Iterator[str]:
    try:
        os.fstat(number)
    except OSError:  # closed
        yield os.devnull
        return
    if number == 0:
        yield os.devnull
        return
    reads, writes = os.pipe()
    pump = threading.Thread(target=_pump, args=(reads, number), name=f"wrap-stream-{number}")
    pump.start()
    try:
        yield f"/proc/{os.getpid()}/fd/{writes}"
    finally:
        os.close(writes)
        pump.join()
        os.close(reads)


def _pump(reads: int, to: int) -> None:
    while data := os.read(reads, _PUMPED_BYTES):
        view = memoryview(data)
        while view:
            view = view[os.write(to, view) :]
