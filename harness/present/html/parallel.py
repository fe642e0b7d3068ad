"""Makes many things in several processes at the same time."""

from __future__ import annotations

import contextlib
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import IO, TypeVar

ItemT = TypeVar("ItemT")
MadeT = TypeVar("MadeT")
SHARED_FROM_RUNS = 40
"""Fewer runs take half a second, so a fork would save little."""
SHARES_MAX = 4


def shares_for(runs: int) -> int:
    """Return into how many shares the work on this number of runs is divided."""
    return min(os.cpu_count() or 1, SHARES_MAX) if runs >= SHARED_FROM_RUNS else 1


def made_in_shares(make: Callable[[ItemT], MadeT], items: Sequence[ItemT], shares: int) -> Sequence[MadeT]:
    """Return `make`'s result for each item, in their order. A fork of this process makes each share except the first.

    Results must be picklable. If a fork does not deliver its share, this process makes it, and raises its error.
    """
    if shares <= 1 or not items:
        return [make(item) for item in items]
    made: list[Sequence[MadeT]] = []
    with contextlib.ExitStack() as owned:
        streams = [owned.enter_context(_forked(make, items[place::shares])) for place in range(1, shares)]
        made.append([make(item) for item in items[::shares]])
        for place, stream in enumerate(streams, start=1):
            made.append(_brought(stream) or [make(item) for item in items[place::shares]])
    return [made[place % shares][place // shares] for place in range(len(items))]


@contextmanager
def _forked(make: Callable[[ItemT], MadeT], share: Sequence[ItemT]) -> Iterator[IO[bytes]]:
    """Let a fork make a share; its output can be read from the stream. The block's end waits for the fork's end."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(read)
            with os.fdopen(write, "wb") as stream:
                pickle.dump([make(item) for item in share], stream, pickle.HIGHEST_PROTOCOL)
            status = 0
        finally:
            os._exit(status)  # the fork must not close or write this process's files a second time
    os.close(write)
    try:
        with closing(os.fdopen(read, "rb")) as stream:
            yield stream
    finally:
        os.waitpid(pid, 0)


def _brought(stream: IO[bytes]) -> Sequence[MadeT]:
    """Read a fork's share; nothing if it is incomplete."""
    try:
        brought: Sequence[MadeT] = pickle.load(stream)  # noqa: S301  # a fork of this process wrote it
    except (EOFError, pickle.UnpicklingError):
        return ()
    return brought
