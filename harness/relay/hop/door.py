"""Accepts connections as bare sockets.

If a connection begins with TLS, nothing may be read from it before the TLS layer reads, but asyncio's server would
read. And asyncio's TLS server does not report clients that fail to speak TLS, which the relay has to report.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from harness.relay.hop.listener import BACKLOG


class Door:
    """Listens on a bound socket, which it owns. `enters` gets each connection and its client's port."""

    def __init__(self, bound: socket.socket, enters: Callable[[socket.socket, int], None]) -> None:
        self._bound = bound
        self._enters = enters
        bound.setblocking(False)
        bound.listen(BACKLOG)
        self._accepting = asyncio.get_running_loop().create_task(self._accept())
        self._accepting.add_done_callback(_tell)

    def close(self) -> None:
        """Stop listening. Connections that were accepted stay open."""
        self._accepting.cancel()
        self._bound.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            bare, (_, port) = await loop.sock_accept(self._bound)
            self._enters(bare, port)


def _tell(accepting: asyncio.Task[None]) -> None:
    """Let the loop log why no more connections are accepted: this is an error of the relay itself."""
    if not accepting.cancelled():
        accepting.result()
