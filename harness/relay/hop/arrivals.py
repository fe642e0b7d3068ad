"""Connections to a server that is not known yet. They wait until it is, and the first bytes show its protocol."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Final, Protocol

from harness.addresses import HostPort
from harness.relay.hop.door import Door

PEEK_BYTES: Final = 4096
_NO_LINGER: Final = struct.pack("ii", 1, 0)  # close() sends a reset (socket(7), SO_LINGER)


class Inside(Protocol):
    """What arrivals need from their hop."""

    @property
    def undecided(self) -> bool:
        """Whether its protocol is still unknown."""
        ...

    def decide(self, first: bytes, greeting: bytes) -> None:
        """The first bytes of the client on some connection, or none and the server's `greeting`, if it spoke first."""
        ...

    async def enter(self, service: socket.socket, server: socket.socket | None) -> None:
        """Relay a connection; `server` is a socket that is already connected to the server. The hop owns both now."""
        ...


class Arrivals:
    """Accepts the connections of one hop. Nothing is read from a socket before the hop has it."""

    def __init__(self, inside: Inside, led: HostPort | None) -> None:
        self._inside = inside
        self._loop = asyncio.get_running_loop()
        self._upstream: asyncio.Future[HostPort] = self._loop.create_future()
        self._waiting: set[asyncio.Task[None]] = set()
        if led is not None:
            self.lead(led)

    def lead(self, upstream: HostPort) -> None:
        """Record that the server is known now."""
        if not self._upstream.done():
            self._upstream.set_result(upstream)

    def door(self, bound: socket.socket) -> Door:
        """Listen on a socket."""
        return Door(bound, lambda bare, _port: self._arrive(bare))

    def close(self) -> None:
        """Close the waiting connections."""
        self._upstream.cancel()
        for task in self._waiting:
            task.cancel()

    def _arrive(self, bare: socket.socket) -> None:
        task = self._loop.create_task(self._let_in(bare))
        self._waiting.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        if not task.cancelled():
            task.result()  # an error here is the relay's own: the loop logs it

    async def _let_in(self, bare: socket.socket) -> None:
        with contextlib.ExitStack() as closes:
            closes.callback(bare.close)
            upstream = await self._upstream
            server: socket.socket | None = None
            if self._inside.undecided:
                try:
                    server = await self._connected(upstream)
                except OSError:
                    bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                    return
                closes.callback(server.close)
                said = await self._first(bare, server)
                if said is None:
                    return
                if self._inside.undecided:
                    self._inside.decide(*said)
            closes.pop_all()
            await self._inside.enter(bare, server)

    async def _connected(self, upstream: HostPort) -> socket.socket:
        family = socket.AF_INET6 if ":" in upstream.host else socket.AF_INET
        server = socket.socket(family, socket.SOCK_STREAM)
        try:
            server.setblocking(False)
            await self._loop.sock_connect(server, tuple(upstream))
        except BaseException:
            server.close()
            raise
        return server

    async def _first(self, service: socket.socket, server: socket.socket) -> tuple[bytes, bytes] | None:
        """Wait until a side speaks; return the first bytes of the client, or of the server if it is first.

        None at an end.
        """
        speaks = self._loop.create_future()

        def spoken() -> None:
            if not speaks.done():
                speaks.set_result(None)

        for side in (service, server):
            self._loop.add_reader(side.fileno(), spoken)
        try:
            await speaks
        finally:
            for side in (service, server):
                self._loop.remove_reader(side.fileno())
        said = _peek(service)
        if said is None:
            greeting = _peek(server)
            return (b"", greeting) if greeting else None
        return (said, b"") if said else None


def _peek(side: socket.socket) -> bytes | None:
    """Its next bytes, b"" at its end; None if it has not spoken."""
    try:
        return side.recv(PEEK_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b""
