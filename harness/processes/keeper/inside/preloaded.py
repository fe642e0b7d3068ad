"""A Python that has loaded a service's libraries, and forks a child for each order.

Imports are most of a Python service's start. A forked child has them already and runs the service's own program from
there. Like a spawned process, it belongs to the keeper.
"""

from __future__ import annotations

import gc
import importlib
import os
import runpy
import socket
import sys
from collections.abc import Collection, Sequence
from typing import Final, NoReturn

from harness.modules import users_modules
from harness.processes.keeper._codec import decode
from harness.processes.keeper._messages import Spawn
from harness.processes.keeper.inside.child import EXIT_NOT_STARTED, ORDERS_FD, Step, die_with, redirect, take, watch

ORDER_BYTES_MAX: Final = 1024 * 1024
MODULE: Final = "-m"


def main(arguments: Sequence[str]) -> int:
    """`PATH MODULE...`: import the modules, with PATH first on the path, then fork for each order."""
    path, *modules = arguments
    keeper = os.getppid()
    orders = socket.socket(fileno=ORDERS_FD)
    orders.set_inheritable(False)
    sys.path[:] = [path, *(entry for entry in sys.path if entry != os.path.dirname(sys.argv[0]))]  # noqa: PTH120 - the path as it stands there
    for module in modules:
        importlib.import_module(module)
        _refuse_a_thread_of(module)
    changing = users_modules()  # now: in each child it would take as long as their import
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page of theirs
    order = _serve(orders, keeper)
    return 0 if order is None else _run(order, changing)


def _refuse_a_thread_of(module: str) -> None:
    running = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - the names alone
    if running > 1:
        sys.exit(f"{module} starts a thread when it is imported, which a forked service would lack")


def _serve(orders: socket.socket, keeper: int) -> Spawn | None:
    """Fork for each order; return None when no more will come, and in each child its order."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(orders, ORDER_BYTES_MAX, 1)
        if not data:
            return None
        order = decode(data)
        if not isinstance(order, Spawn):
            raise TypeError(f"not an order to start: {order!r}")
        reports = socket.socket(fileno=descriptors[0])
        reports.set_inheritable(False)
        if _fork():
            orders.close()
            _become(order, reports, keeper)
            return order
        reports.close()


def _fork() -> bool:
    """Fork twice; true in the grandchild, once it is the keeper's own child.

    The parent of an orphan is the next subreaper above it: the keeper. The pipe tells when that has
    come about: it closes here after the child between is gone.
    """
    orphaned, between_lives = os.pipe()
    between = os.fork()
    if between == 0:
        os.close(between_lives)
        if os.fork():
            os._exit(0)
        os.read(orphaned, 1)
        os.close(orphaned)
        return True
    os.close(orphaned)
    os.waitpid(between, 0)
    os.close(between_lives)
    return False


def _become(order: Spawn, reports: socket.socket, keeper: int) -> None:
    """Take the steps that a spawned child takes; only the last differs."""
    steps: tuple[Step, ...] = (
        ("parent", lambda: die_with(keeper)),
        ("born", lambda: _announce(reports)),
        ("session", os.setsid),
        ("log", lambda: redirect(order.log)),
        ("cwd", lambda: os.chdir(order.cwd)),
        ("environment", lambda: _take_environment(order.env)),
        ("filter", lambda: watch(order, reports)),
    )
    take(steps, reports)
    reports.close()


def _announce(reports: socket.socket) -> None:
    """Report this process's pid, and go on when the keeper has recorded it."""
    reports.send(b'{"born": %d}' % os.getpid())
    if not reports.recv(16):
        os._exit(EXIT_NOT_STARTED)


def _take_environment(env: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(env)


def _run(order: Spawn, changing: Collection[str]) -> NoReturn:
    """Run the program like `python -m MODULE` or `python FILE`, without any module of the harness.

    Modules that are `changing` are removed too, so that their current version is imported. Libraries that they imported
    stay.
    """
    program, *arguments = order.argv[1:]
    for name in [name for name in sys.modules if name.partition(".")[0] == "harness" or name in changing]:
        del sys.modules[name]
    importlib.invalidate_caches()
    if program == MODULE:
        module, *arguments = arguments
        sys.argv[1:] = arguments
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv[:] = [program, *arguments]
        runpy.run_path(program, run_name="__main__")
    sys.exit(0)
