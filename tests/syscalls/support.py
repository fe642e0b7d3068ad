"""A child that connects when told to, in the way it is told to."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.processes.keeper import Keeper, KeptProcess
from harness.processes.syscalls import SyscallEvent
from tests.keeper.support import python_spec, wait_for

DIALLER = """
import asyncio, json, os, socket, sys, threading

def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET

def plain(host, port, kind=socket.SOCK_STREAM):
    with socket.socket(family(host), kind) as s:
        return s.connect_ex((host, port))

def datagram(host, port):
    return plain(host, port, socket.SOCK_DGRAM)

def in_threads(host, port):
    told = []
    threads = [threading.Thread(target=lambda: told.append(plain(host, port))) for _ in range(8)]
    for t in threads: t.start()
    for t in threads: t.join()
    return sorted(told)

def in_grandchild(host, port):
    if (pid := os.fork()) == 0:
        if os.fork() == 0:
            os._exit(plain(host, port))
        os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def in_asyncio(host, port):
    async def dial():
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            return error.errno
        writer.close()
        await writer.wait_closed()
        return 0
    return asyncio.run(dial())

def non_blocking(host, port):
    with socket.socket(family(host)) as s:
        s.setblocking(False)
        return s.connect_ex((host, port))

def ipv6_only(host, port):
    with socket.socket(socket.AF_INET6) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        return s.connect_ex((host, port))

def local(path, _port):
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(path)

def bad_pointer(_host, _port):
    import ctypes
    with socket.socket() as s:
        libc = ctypes.CDLL(None, use_errno=True)
        told = []
        for address in (1, 2**64 - 8):
            libc.connect(s.fileno(), ctypes.c_void_p(address), 16)
            told.append(ctypes.get_errno())
        libc.connect(-1, ctypes.create_string_buffer(16), 16)
        return [*told, ctypes.get_errno()]

with socket.socket(socket.AF_UNIX) as server:
    server.bind("dialler.socket")
    server.listen()
    print("listening", flush=True)
    control, _ = server.accept()
with control, control.makefile("rw") as orders:
    for line in orders:
        how, host, port = json.loads(line)
        print(json.dumps(globals()[how](host, port)), file=orders, flush=True)
"""


@dataclasses.dataclass(frozen=True)
class Dialler:
    """The watched child, and the way to tell it what to do."""

    process: KeptProcess
    orders: Any
    start: int  # events before it was ready: a starting Python looks for a name service's socket

    def events(self) -> Sequence[SyscallEvent]:
        """Its calls since it was ready."""
        return self.process.syscall_events(self.start)

    def dial(self, port: int, *, host: str = "127.0.0.1", how: str = "plain") -> Any:
        """Have it connect; return the errno it got (0: none), or a list of them."""
        self.orders.write(json.dumps([how, host, port]) + "\n")
        self.orders.flush()
        return json.loads(self.orders.readline())


@contextmanager
def start_dialler(keeper: Keeper, folder: Path) -> Iterator[Dialler]:
    spec = dataclasses.replace(python_spec(folder, DIALLER, name="dialler"), watched_calls=frozenset({"connect"}))
    process = keeper.spawn(spec)
    assert wait_for(lambda: "listening" in process.log.read()), process.log.read()
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(os.path.relpath(folder / "dialler.socket"))  # a socket's path may not be long
        control.settimeout(20)
        with control.makefile("rw") as orders:
            yield Dialler(process, orders, len(process.syscall_events()))


@contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[int]:
    """A port that accepts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, backlog=512) as server:
        yield server.getsockname()[1]
