"""A Python that has loaded a service's libraries, and forks a child for each order.

Imports are most of a Python service's start. A forked child has them already and runs the service's own program from
there. Like a spawned process, it belongs to the keeper.

The service's own modules may change between runs, so each child imports them again. If they are to be kept (`OWN`), a
child imports them again only after one of their files has changed.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import runpy
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NoReturn

from harness.modules import users_modules
from harness.processes.keeper.codec import decode
from harness.processes.keeper.inside.child import EXIT_NOT_STARTED, ORDERS_FD, Step, die_with, redirect, take, watch
from harness.processes.keeper.messages import Spawn

ORDER_BYTES_MAX: Final = 1024 * 1024
MODULE: Final = "-m"
OWN: Final = "--own"
BEFORE_AN_END: Final[Sequence[Callable[[], None]]] = (vars(threading)["_shutdown"], vars(atexit)["_run_exitfuncs"])
"""The interpreter's own steps at its end: wait for threads, then call registered functions. They have no public names;
`multiprocessing` uses the first in its forked children, too."""
Stamp = tuple[int, int, int]
"""A file's last change, its length, and its identity."""
NEVER_THE_SAME: Final[Stamp] = (-1, -1, -1)


def main(arguments: Sequence[str]) -> int:
    """`PATH MODULE... [--own MODULE...]`: import the modules, with PATH first on the path, then fork for each order."""
    path, *words = arguments
    began_ns, keeps_own = time.time_ns(), OWN in words
    modules = [word for word in words if word != OWN]
    keeper = os.getppid()
    orders = socket.socket(fileno=ORDERS_FD)
    orders.set_inheritable(False)
    sys.path[:] = [path, *(entry for entry in sys.path if entry != os.path.dirname(sys.argv[0]))]  # noqa: PTH120 - the path as it stands there
    for module in modules:
        importlib.import_module(module)
        _refuse_a_thread_of(module)
    changing = users_modules()  # now: in each child it would take as long as their import
    stamps = _stamps(changing, began_ns) if keeps_own else {}
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page of theirs
    order = _serve(orders, keeper)
    if order is None:
        return 0
    return _run(order, () if keeps_own and _are_as_they_were(stamps) else changing)


def _stamps(modules: Collection[str], began_ns: int) -> Mapping[str, Stamp]:
    """The files of these modules.

    If one has changed since we began, it may have been read before or after the change.
    """
    files = {file for name in modules if isinstance(file := getattr(sys.modules[name], "__file__", None), str)}
    found = {file: _stamp(file) for file in files}
    return {file: stamp if stamp[0] < began_ns else NEVER_THE_SAME for file, stamp in found.items()}


def _stamp(file: str) -> Stamp:
    try:
        status = os.stat(file)  # noqa: PTH116 - in each child, of each file
    except OSError:
        return NEVER_THE_SAME
    return status.st_mtime_ns, status.st_size, status.st_ino


def _are_as_they_were(stamps: Mapping[str, Stamp]) -> bool:
    return all(stamp == _stamp(file) != NEVER_THE_SAME for file, stamp in stamps.items())


def _refuse_a_thread_of(module: str) -> None:
    running = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - the names alone
    if running > 1:
        sys.exit(f"{module} starts a thread when it is imported, which a forked service would lack")


def _serve(orders: socket.socket, keeper: int) -> Spawn | None:
    """Fork for each order; return None when no more will come; in each child, return its order."""
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
    """Fork twice; return true in the grandchild when it is the keeper's own child.

    The new parent of an orphan is the next subreaper above it: the keeper. The pipe shows when this has happened: it
    closes here when the child in between is gone.
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
    """Take the same steps as a spawned child, except for the last."""
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
    """Report this process's pid, and continue when the keeper has recorded it."""
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
    for name in [name for name in sys.modules if name.partition(".")[0] == "harness" or name in changing]:
        del sys.modules[name]
    importlib.invalidate_caches()
    code = _code_of(order.argv[1:])
    if code is None or isinstance(code, int):
        _end_now(code or 0)
    sys.exit(code)


def _code_of(argv: Sequence[str]) -> str | int | None:
    """Run the program to its end; return the argument of its `sys.exit`, None if there was none."""
    program, *arguments = argv
    try:
        if program == MODULE:
            module, *arguments = arguments
            sys.argv[1:] = arguments
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        else:
            sys.argv[:] = [program, *arguments]
            runpy.run_path(program, run_name="__main__")
    except SystemExit as end:
        return end.code
    return None


def _end_now(status: int) -> None:
    """End as an interpreter does, but leave the libraries in memory to the kernel.

    Freeing them would copy every page that is still shared with the parent: 50 ms of CPU for a service. The program's
    own objects are freed as usual, and their finalisers run. Returns if the output cannot be flushed, because the
    interpreter then reports that.
    """
    for step in BEFORE_AN_END:
        step()
    gc.collect()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return
    os._exit(status & 0xFF)
