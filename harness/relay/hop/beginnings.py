"""Looks at a connection's first byte: the connection begins with TLS, or may ask for it within the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from harness.relay.hop.door import Door

_RECORD: Final = b"\x16"  # the type of the record that TLS begins with (RFC 8446, 5.1)


class Beginnings:
    """Listens on a bound socket, which it owns. The first byte of a connection stays unread for the next reader.

    `in_tls` gets connections that begin with TLS, and the client's port; `plain` gets all others, even without a first
    byte.
    """

    def __init__(
        self,
        bound: socket.socket,
        *,
        in_tls: Callable[[socket.socket, int], None],
        plain: Callable[[socket.socket], Awaitable[None]],
    ) -> None:
        self._in_tls = in_tls
        self._plain = plain
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Task[None]] = set()
        self._door = Door(bound, self._arrive)

    def close(self) -> None:
        """Stop listening, and close connections that have not begun. Others stay open."""
        self._door.close()
        for task in self._waiting:
            task.cancel()

    def _arrive(self, bare: socket.socket, port: int) -> None:
        task = self._loop.create_task(self._let_in(bare, port))
        self._waiting.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        if not task.cancelled():
            task.result()  # an error here is the relay's own: the loop logs it

    async def _let_in(self, bare: socket.socket, port: int) -> None:
        with contextlib.ExitStack() as closes:
            closes.callback(bare.close)
            first = await self._first(bare)
            closes.pop_all()
        if first == _RECORD:
            self._in_tls(bare, port)
        else:
            await self._plain(bare)

    async def _first(self, bare: socket.socket) -> bytes:
        """Its first byte; empty at its end."""
        speaks = asyncio.Event()
        self._loop.add_reader(bare.fileno(), speaks.set)
        try:
            await speaks.wait()
        finally:
            self._loop.remove_reader(bare.fileno())
        try:
            return bare.recv(1, socket.MSG_PEEK)
        except OSError:  # it was reset
            return b""
