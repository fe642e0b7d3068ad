"""What the tests of the stack share: a look at processes, ports from a list, programs that are no servers."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from harness.addresses import HostPort
from harness.stack.tcp.ports import Ports, pick_port


def first_then_any(*ports: int) -> Ports:
    """Give these ports, in order, and then random ones."""
    chosen = itertools.chain(ports, iter(pick_port, None))
    return lambda: int(next(chosen) or 0)


@contextmanager
def occupied_port() -> Iterator[int]:
    """Listen on a port for as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@contextmanager
def refusing() -> Iterator[HostPort]:
    """Give an address that refuses connects for as long as the block lasts.

    A socket that does not listen has its port: one that was closed could be another program's a moment later.
    """
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield HostPort(*bound.getsockname())


def accepts(port: int) -> bool:
    """Whether something listens on that port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def children_of(pid: int) -> list[psutil.Process]:
    """Return all living descendants."""
    return psutil.Process(pid).children(recursive=True)


def processes_in(folder: Path) -> list[psutil.Process]:
    """Return the living processes that work in `folder` or have its name in their arguments."""

    def belongs(process: psutil.Process) -> bool:
        try:
            living = process.status() != psutil.STATUS_ZOMBIE
            return living and (str(folder) in process.cwd() or any(str(folder) in word for word in process.cmdline()))
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if belongs(process)]


def script(folder: Path, name: str, text: str) -> Path:
    """Write an executable shell script."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def broken_redis(folder: Path) -> Path:
    """Make a program that says it is a Redis and dies when it is to serve."""
    return script(
        folder,
        "redis-server",
        'if [ "$1" = --version ]; then echo "Redis server v=8.2.3 sha=0"; else echo broken on purpose; exit 3; fi',
    )


def collected() -> tuple[list[str], Callable[[object], None]]:
    """Return a list and what appends to it, as text."""
    seen: list[str] = []
    return seen, lambda value: seen.append(str(value))
