"""The relay's process: `main(CONTROL_SOCKET, READY_SOCKET)`, run by the keeper in the folder of both."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import socket
from collections.abc import Sequence
from importlib.metadata import version

import uvloop

from harness.relay.control.server import LINE_BYTES_MAX, ControlSession
from harness.relay.hop.identity import Identity

_OBJECTS_BEFORE_COLLECTION = 50_000  # a connection's objects point at each other: they are collected, but seldom


def main(arguments: Sequence[str]) -> int:
    """Serve until a signal ends it."""
    control, ready = arguments
    os.umask(0o177)  # only this user may give orders
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # two descriptors for each connection
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(control, ready))
    return 0


async def _serve(control: str, ready: str) -> None:
    identity = Identity()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ControlSession(reader, writer, identity).serve()

    server = await asyncio.start_unix_server(serve, control, limit=LINE_BYTES_MAX)
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION, 20, 50)
    _say_ready(ready)
    async with server:
        await server.serve_forever()


def _say_ready(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as told:
        told.connect(path)
        told.sendall(f"uvloop {version('uvloop')}".encode())
