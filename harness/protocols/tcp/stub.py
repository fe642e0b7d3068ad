"""A stub for a server to which a service connects: a process that reads bytes, and echoes them or not.

It runs in a bare interpreter, and reports what it receives as lines of JSON on standard output. `serve` is for stubs of
other protocols, too.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

READ_BYTES: Final = 65536

Talk = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Serves one connection, given its number from 1 on."""


def tell(**what: object) -> None:
    """Write a line of the log."""
    sys.stdout.write(json.dumps({"t_ns": time.monotonic_ns(), **what}) + "\n")
    sys.stdout.flush()


def serve(port: int, talk: Talk) -> int:
    """Serve connections until SIGTERM; return the process's exit status."""
    try:
        asyncio.run(_serve(port, talk))
    except OSError as problem:  # in words that `ServerProcess` knows
        tell(problem=(problem.strerror or str(problem)).lower())
        return 1
    return 0


async def _serve(port: int, talk: Talk) -> None:
    numbers = itertools.count(1)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(numbers)
        try:
            await talk(number, reader, writer)
        except ConnectionError as problem:
            tell(connection=number, problem=str(problem))
        finally:
            writer.close()

    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = await asyncio.start_server(connected, "127.0.0.1", port)
    tell(listening=port)
    await ended.wait()
    server.close()


async def _echo(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async for data in _reads(number, reader):
        writer.write(data)
        await writer.drain()


async def _take(number: int, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    async for _ in _reads(number, reader):
        pass


async def _reads(number: int, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    received_bytes = 0
    while data := await reader.read(READ_BYTES):
        received_bytes += len(data)
        tell(connection=number, received_bytes=received_bytes)
        yield data


def main(arguments: Sequence[str]) -> int:
    """Serve on the port `arguments[1]`. `arguments[0]`: "echo", or "nothing" for no answer at all."""
    return serve(int(arguments[1]), _echo if arguments[0] == "echo" else _take)
