"""The steps of a forked child before it executes its program. The keeper is single-threaded, so fork is safe."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import warnings  # noqa: F401 - execvpe imports it, when the child may be somebody who cannot read it
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from harness.processes.keeper.messages import Spawn
from harness.processes.syscalls.install import install_filter
from harness.processes.syscalls.libc import prctl
from harness.processes.syscalls.linux.prctl_h import PR_SET_PDEATHSIG

REPORT_BYTES_MAX = 16384
LISTENER = b"listener"  # the report that carries the listener's descriptor
EXIT_NOT_STARTED = 127  # as shells do
ORDERS_FD = 3  # of a child that forks other processes

Step = tuple[str, Callable[[], object]]


@dataclass(frozen=True, slots=True)
class Fork:
    """A starting child: its pid, and the socket that reports its steps and closes at exec."""

    pid: int
    reports: socket.socket


def fork_child(order: Spawn, become_user: Callable[[], None], orders: socket.socket | None = None) -> Fork:
    """Fork. The child performs its steps and execs. `orders`, if given, becomes its ORDERS_FD.

    Raises `OSError` if fork itself fails.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    keeper = os.getpid()
    # Until the child has its own dispositions, a signal meant for it would run the keeper's.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            _become(order, become_user, orders, theirs, keeper)
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    ours.setblocking(False)
    return Fork(pid, ours)


def take(steps: Sequence[Step], reports: socket.socket) -> None:
    """Take each step. The first one that fails is reported, and ends the process."""
    for step, act in steps:
        _take(step, act, reports)


def _become(
    order: Spawn, become_user: Callable[[], None], orders: socket.socket | None, reports: socket.socket, keeper: int
) -> NoReturn:
    steps: tuple[Step, ...] = (
        ("session", os.setsid),
        ("signals", _reset_signals),
        ("log", lambda: redirect(order.log) if order.streams is None else redirect_to(order.streams)),
        ("cwd", lambda: os.chdir(order.cwd)),
        ("user", become_user),
        ("parent", lambda: die_with(keeper)),  # after "user": a change of credentials clears it
        ("orders", lambda: _take_orders_from(orders)),
        ("filter", lambda: watch(order, reports)),
        ("exec", lambda: os.execvpe(order.argv[0], order.argv, order.env)),  # noqa: S606 - the keeper's very task
    )
    try:
        take(steps, reports)
    finally:
        os._exit(EXIT_NOT_STARTED)


def _take(step: str, act: Callable[[], object], reports: socket.socket) -> None:
    try:
        act()
    except OSError as error:
        _report(reports, step, error.errno or errno.EIO, str(error))
        os._exit(EXIT_NOT_STARTED)
    except Exception as error:  # noqa: BLE001 - a fork must not return into the keeper's loop: told, and ended
        _report(reports, step, 0, f"{type(error).__name__}: {error}")
        os._exit(EXIT_NOT_STARTED)


def _report(reports: socket.socket, step: str, number: int, detail: str) -> None:
    reports.send(json.dumps({"step": step, "errno": number, "detail": detail[:4096]}).encode())


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for signum in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())


def redirect(log: str) -> None:
    """Connect descriptors 1 and 2 to the log, and 0 to nothing."""
    source = os.open(os.devnull, os.O_RDONLY)
    target = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(source, 0)
    os.dup2(target, 1)
    os.dup2(target, 2)
    for opened in (source, target):
        os.close(opened)


def redirect_to(streams: tuple[str, str, str]) -> None:
    """Connect descriptors 0, 1 and 2 to these."""
    flags = (os.O_RDONLY, os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_APPEND)
    opened = [os.open(path, how | os.O_NOCTTY) for path, how in zip(streams, flags, strict=True)]
    for number, stream in enumerate(opened):
        os.dup2(stream, number)
    for stream in opened:
        os.close(stream)


def die_with(keeper: int) -> None:
    """Make the kernel end this process when the keeper, its parent, ends."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:  # it died before the line above
        os._exit(EXIT_NOT_STARTED)


def _take_orders_from(orders: socket.socket | None) -> None:
    if orders is not None:
        os.dup2(orders.fileno(), ORDERS_FD)


def watch(order: Spawn, reports: socket.socket) -> None:
    """Let the kernel report the watched calls from now on; send the listener with the reports."""
    if not order.watched_calls:
        return
    try:
        listener = install_filter(order.watched_calls)
    except OSError:
        if order.may_be_unwatched:
            return
        raise
    socket.send_fds(reports, [LISTENER], [listener])
    os.close(listener)
