"""The processes below the service's first one: its workers, if it has any."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Literal, TypeAlias

import psutil

from harness.errors import UsageError
from harness.polling import poll

LEFT_AFTER_S = 0.5
"""A worker that ends with its parent is gone by then."""
Which: TypeAlias = int | Literal["all"] | None


def workers_of(pid: int) -> Sequence[psutil.Process]:
    """The living processes below this one, in the order of their start; none if this process is gone."""
    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return ()
    return sorted(filter(lives, below), key=lambda each: (each.create_time(), each.pid))


def chosen(kind: str, which: Which, pid: int) -> Sequence[psutil.Process]:
    """The chosen workers: one by its number from 1, or all. Raises UsageError if there is no such worker."""
    known = workers_of(pid)
    if which == "all" and known:
        return known
    if isinstance(which, int) and 1 <= which <= len(known):
        return [known[which - 1]]
    problem = f"the service has {len(known)} processes below its first one"
    mend = f"write 1 to {len(known)}, or 'all'" if known else "leave it out: the service is one process"
    raise UsageError.at(kind, "worker", which, problem, mend=mend)


def lives(process: psutil.Process) -> bool:
    """Whether the process lives, and is not a zombie."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def all_gone(processes: Sequence[psutil.Process], within_s: float) -> Sequence[psutil.Process]:
    """Wait until they have ended. Return the ones that have not."""
    await poll(lambda: not any(map(lives, processes)), within_s=within_s)
    return [each for each in processes if lives(each)]


def send(processes: Sequence[psutil.Process], signum: signal.Signals) -> None:
    """Send a signal to each of them. Do nothing for one that is gone."""
    for each in processes:
        try:
            each.send_signal(signum)
        except psutil.NoSuchProcess:
            continue
